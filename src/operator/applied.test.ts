import assert from "node:assert/strict";
import { test } from "node:test";
import { MANAGER } from "../api/labels.ts";
import type { KubeObject, ManagedFields } from "../api/object.ts";
import type { Client } from "../kube/client.ts";
import { Applied } from "./applied.ts";

const own = (fields: object): ManagedFields => ({
  manager: MANAGER,
  operation: "Apply",
  fieldsV1: fields,
});
const wanted: KubeObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "mesh" },
};
const live = (managedFields: readonly ManagedFields[], uid = "1"): KubeObject => ({
  ...wanted,
  metadata: { ...wanted.metadata, uid, managedFields },
});
const WHOLE = own({ "f:data": { "f:x": {} } });

async function after(applied: KubeObject): Promise<Applied> {
  const client = { apply: async () => applied } as unknown as Client;
  const marks = new Applied(client);
  await marks.apply(wanted, new AbortController().signal);
  return marks;
}

test("an object is in sync as long as the fields we applied are ours", async () => {
  const applied = await after(live([WHOLE]));
  assert.ok(applied.isInSync(live([WHOLE]), wanted));
  const theirs = { manager: "kubectl", operation: "Update", fieldsV1: { "f:spec": {} } };
  assert.ok(applied.isInSync(live([theirs, WHOLE]), wanted), "what others add does not count");
  assert.ok(!applied.isInSync(live([own({})]), wanted), "somebody took a field over");
  assert.ok(!applied.isInSync(live([]), wanted), "somebody took all of them over");
  assert.ok(!applied.isInSync(live([WHOLE], "2"), wanted), "another object of the same name");
});

test("a new rendering is not in sync, nor is anything that was never applied", async () => {
  const applied = await after(live([WHOLE]));
  assert.ok(!applied.isInSync(live([WHOLE]), { ...wanted, spec: { changed: true } }));
  applied.forget(wanted);
  assert.ok(!applied.isInSync(live([WHOLE]), wanted));
});

test("what others did is told from what is wanted anew, and from what is not known", async () => {
  const applied = await after(live([WHOLE]));
  const anew = { ...wanted, spec: { changed: true } };
  assert.ok(applied.isTouched(live([own({})]), wanted));
  assert.ok(!applied.isTouched(live([WHOLE]), anew));
  assert.ok(applied.isTouched(undefined, anew));
  applied.forget(wanted);
  assert.ok(!applied.isTouched(undefined, wanted));
});

test("what is being deleted is left alone: its end will be told", async () => {
  const applied = await after(live([WHOLE]));
  const leaving = live([]);
  const deletionTimestamp = "2026-01-01T00:00:00Z";
  const going = { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp } };
  assert.ok(applied.isInSync(going, wanted));
});
