import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { stories } from "../testing/story.ts";
import { describe, describeGateways } from "./describe.ts";

const toYaml = (value: unknown): string =>
  stringify(value, { aliasDuplicateObjects: false, sortMapEntries: true });

for (const { name, directory, model, views } of stories()) {
  const mesh = model.mesh(model.engine);
  test(`${name}: the mesh as its proxies see it`, (t) => {
    const seen = Object.fromEntries(
      views.map((view) => [
        view.workload,
        view.kind === "gateway"
          ? describeGateways(mesh, view)
          : { ...describe(mesh, view), workload: mesh.workload(view.workload) },
      ]),
    );
    t.assert.fileSnapshot(seen, join(directory, "ir.yaml"), { serializers: [toYaml] });
  });
  test(`${name}: what we tell the user`, (t) => {
    t.assert.fileSnapshot(model.diagnostics(), join(directory, "diagnostics.yaml"), {
      serializers: [toYaml],
    });
  });
}
