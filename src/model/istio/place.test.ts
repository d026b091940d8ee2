import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../api/codes.ts";
import { lowerPlace } from "./place.ts";

const localityOf = (spec: object, labels?: Readonly<Record<string, string>>) =>
  lowerPlace(
    { address: "10.9.0.1", ...spec },
    "spec",
    { report: new Report("a"), namespace: "n", clusterDomain: "cluster.local" },
    labels,
  )?.locality;

test("a workload is where its field says, else where a label does", () => {
  const label = { "istio-locality": "r1.z1" };
  assert.deepEqual(localityOf({ labels: label }), { region: "r1", zone: "z1" });
  assert.deepEqual(localityOf({ locality: "" }, label), { region: "r1", zone: "z1" });
  assert.deepEqual(localityOf({ labels: label, locality: "r2/z2/s2" }), {
    region: "r2",
    zone: "z2",
    subzone: "s2",
  });
  assert.deepEqual(localityOf({}), { region: "", zone: "" });
});
