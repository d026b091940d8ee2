import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyObject } from "../testing/edits.ts";
import { applyAll, modelOf } from "../testing/fixtures.ts";
import type { Mesh } from "./ir/mesh.ts";

/** The domains that several hosts of one port claim. */
function disputed(mesh: Mesh, namespace: string, port: number): readonly string[] {
  const domains = mesh
    .httpHosts(namespace, port)
    .flatMap((host) => mesh.domains(host, namespace, port));
  return domains.filter((domain, i) => domains.indexOf(domain) !== i);
}

test("no two hosts of one port share a domain, for a proxy would refuse them all", () => {
  fc.assert(
    fc.property(fc.array(anyObject, { maxLength: 25 }), (objects) => {
      const model = modelOf("");
      applyAll(model, objects);
      const mesh = model.mesh(model.engine);
      for (const namespace of ["one", "two", "three"])
        for (const port of mesh.httpPorts(namespace))
          assert.deepEqual(disputed(mesh, namespace, port), [], `${namespace}, port ${port}`);
    }),
    { numRuns: 500 },
  );
});
