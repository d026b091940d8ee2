import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalName, canonicalRevision, type PodDraft } from "./workload.ts";

const owner = (kind: string, name: string) => ({
  ownerReferences: [{ apiVersion: "v1", kind, name, uid: "1", controller: true }],
});

const CASES: readonly {
  readonly title: string;
  readonly metadata: PodDraft["metadata"];
  readonly want: string;
}[] = [
  {
    title: "its own label",
    metadata: {
      labels: { "service.istio.io/canonical-name": "a", "app.kubernetes.io/name": "b", app: "c" },
    },
    want: "a",
  },
  {
    title: "the recommended label",
    metadata: { labels: { "app.kubernetes.io/name": "b", app: "c" } },
    want: "b",
  },
  { title: "the usual label", metadata: { labels: { app: "c" } }, want: "c" },
  {
    title: "a Deployment",
    metadata: {
      ...owner("ReplicaSet", "web-v1-5d8f7c9b6"),
      labels: { "pod-template-hash": "5d8f7c9b6" },
    },
    want: "web-v1",
  },
  { title: "a ReplicaSet of its own", metadata: owner("ReplicaSet", "web"), want: "web" },
  { title: "a StatefulSet", metadata: { ...owner("StatefulSet", "db"), name: "db-0" }, want: "db" },
  { title: "a CronJob", metadata: owner("Job", "nightly-29000000"), want: "nightly" },
  { title: "a Job", metadata: owner("Job", "import-2"), want: "import-2" },
  { title: "nobody", metadata: { name: "alone" }, want: "alone" },
  { title: "nobody yet", metadata: { generateName: "alone-" }, want: "alone" },
  {
    title: "a name that is too long for a label",
    metadata: { name: `${"a".repeat(62)}-b` },
    want: "a".repeat(62),
  },
];

for (const { title, metadata, want } of CASES)
  test(`the application of ${title}`, () => {
    assert.equal(canonicalName({ metadata, spec: { containers: [] } }), want);
  });

test("a pod without a version is the latest", () => {
  assert.equal(canonicalRevision({ metadata: {}, spec: { containers: [] } }), "latest");
});
