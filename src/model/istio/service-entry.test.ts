import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { lowerServiceEntry } from "./service-entry.ts";

function lowered(spec: string) {
  const metadata = { name: "a", namespace: "shop" };
  const { value, diagnostics } = lowerServiceEntry(
    { apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata, spec: parse(spec) },
    "cluster.local",
  );
  const [service] = value?.services ?? [];
  return { service, told: diagnostics.map(({ code, path }) => `${code} ${path}`) };
}

for (const { addresses, want } of [
  { addresses: "[]", want: [[], true] },
  { addresses: "[0.0.0.0]", want: [[], true] },
  { addresses: '["::"]', want: [[], true] },
  { addresses: '["0::0"]', want: [[], true] },
  { addresses: "[0.0.0.0, 10.0.0.1]", want: [["10.0.0.1"], true] },
  { addresses: '["::1"]', want: [["::1"], undefined] },
])
  test(`addresses ${addresses}: the unspecified one is any address, and none of a listener's own`, () => {
    const { service, told } = lowered(`{hosts: [a.example.com], addresses: ${addresses}}`);
    assert.deepEqual([service?.addresses, service?.anyAddress], want);
    assert.deepEqual(told, []);
  });

test("of two ports with one name or number the first counts, and the other is told", () => {
  const { service, told } = lowered(`
hosts: [a.example.com]
ports:
  - {number: 80, name: http}
  - {number: 8080, name: http}
  - {number: 80, name: web}
  - {number: 0, name: none}
  - {number: 90, name: none}`);
  assert.deepEqual(
    service?.ports.map(({ port, name }) => `${name}:${port}`),
    ["http:80", "none:90"],
  );
  assert.deepEqual(told, [
    "MESH0137 spec.ports[1].name",
    "MESH0137 spec.ports[2].number",
    "MESH0109 spec.ports[3].number",
  ]);
});
