import assert from "node:assert/strict";
import { test } from "node:test";
import { PodIndex } from "./pods.ts";

const node = (name: string, zone: string) => ({
  metadata: {
    name,
    labels: { "topology.kubernetes.io/region": "west", "topology.kubernetes.io/zone": zone },
  },
});
const pod = (name: string, nodeName: string, labels: Readonly<Record<string, string>> = {}) => ({
  metadata: { namespace: "shop", name, uid: name, labels },
  spec: { nodeName },
});
const placeOf = (index: PodIndex, name: string) =>
  index.find({ namespace: "shop", name, uid: name })?.locality;

test("a pod is where its node is, unless its own label says otherwise", () => {
  const index = new PodIndex();
  index.upsert(pod("web", "n1"));
  index.upsert(pod("db", "n1", { "istio-locality": "east.b.rack" }));
  assert.equal(placeOf(index, "web"), "");
  index.nodes.replace([node("n1", "a")]);
  assert.deepEqual([placeOf(index, "web"), placeOf(index, "db")], ["west/a", "east/b/rack"]);
});

test("who listens hears of the pods of a node that has moved, and of no others", () => {
  const index = new PodIndex();
  index.nodes.replace([node("n1", "a"), node("n2", "a")]);
  index.replace([pod("one", "n1"), pod("two", "n2")]);
  const heard: string[] = [];
  index.onChange((key) => heard.push(key));
  index.nodes.upsert(node("n1", "a"));
  assert.deepEqual(heard, []);
  index.nodes.upsert(node("n1", "b"));
  index.nodes.replace([node("n1", "b")]);
  assert.deepEqual(heard, ["shop/one", "shop/two"]);
  assert.deepEqual([placeOf(index, "one"), placeOf(index, "two")], ["west/b", ""]);
  index.nodes.remove("n1");
  assert.equal(placeOf(index, "one"), "");
});
