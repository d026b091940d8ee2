import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDelta } from "../proto/delta.ts";
import { encodeDelta, unframed } from "../proto/frame.ts";
import { DeltaDiscoveryResponse } from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { encode } from "../xds/encode.ts";
import type { EncodedResource } from "../xds/resource.ts";
import { Frames } from "./frames.ts";

const cluster = (name: string) => encode("Cluster", { name, body: { name }, clusters: [] });

const sized = (name: string, size: number): EncodedResource => ({
  name,
  version: "1",
  bytes: new Uint8Array(size),
  clusters: [],
});

test("a frame is what the generated codec reads", () => {
  const names = fc.array(fc.string(), { maxLength: 5 });
  fc.assert(
    fc.property(
      names,
      names,
      fc.string(),
      fc.string({ maxLength: 300 }),
      (has, removed, nonce, pad) => {
        const resources = has.map((name) => cluster(name + pad));
        const frame = unframed(encodeDelta({ typeUrl: "t", nonce, resources, removed }));
        const decoded = DeltaDiscoveryResponse.decode(frame);
        assert.deepEqual(
          decoded.resources?.map((one) => one.name) ?? [],
          has.map((n) => n + pad),
        );
        assert.deepEqual(decoded.removedResources ?? [], removed);
        assert.deepEqual([decoded.typeUrl ?? "", decoded.nonce ?? ""], ["t", nonce]);
        const own = decodeDelta(frame);
        assert.deepEqual(
          own.resources.map(({ name }) => name),
          has.map((n) => n + pad),
        );
        assert.deepEqual(own.removed, removed);
      },
    ),
  );
});

test("what many are owed is one frame; what differs in anything is another", () => {
  const frames = new Frames();
  const [a, b] = [cluster("a"), cluster("b")];
  const first = frames.encode("Cluster", [a], ["x"]);
  assert.equal(frames.encode("Cluster", [a], ["x"]), first);
  const others = [
    frames.encode("Cluster", [b], ["x"]),
    frames.encode("Cluster", [a], []),
    frames.encode("Cluster", [a, b], ["x"]),
    frames.encode("Cluster", [{ ...a, version: "2" }], ["x"]),
  ];
  const nonces = new Set([first, ...others].map(({ nonce }) => nonce));
  assert.equal(nonces.size, 5);
});

test("what is kept for others to come is bounded by bytes, and by number", () => {
  const frames = new Frames();
  const nonce = (one: EncodedResource): string => frames.encode("Cluster", [one], []).nonce;
  /** Of the last, the twelfth before it, and the first. */
  const kept = (all: readonly EncodedResource[]): readonly boolean[] => {
    const nonces = all.map(nonce);
    const those = [all.length - 1, all.length - 13, 0];
    return those.map((i) => nonce(all[i] ?? cluster("none")) === nonces[i]);
  };
  const large = Array.from({ length: 40 }, (_, i) => sized(`large ${i}`, 1_000_000));
  assert.deepEqual(kept(large), [true, true, false]);
  const larger = sized("larger than all may be together", 20_000_000);
  assert.deepEqual(kept([...large, larger]), [true, false, false]);
  const small = Array.from({ length: 300 }, (_, i) => cluster(`small ${i}`));
  assert.deepEqual(kept(small), [true, true, false]);
});

test("a frame that takes the place of another counts for itself alone", () => {
  const frames = new Frames();
  const [kept, one] = [sized("kept", 1_000_000), sized("one", 1_000_000)];
  const { nonce } = frames.encode("Cluster", [kept], []);
  for (let i = 0; i < 40; i++) frames.encode("Cluster", [one], [`${i}`]);
  assert.equal(frames.encode("Cluster", [kept], []).nonce, nonce);
});

test("two identities never share a frame of secrets, even if their versions agree", () => {
  const frames = new Frames();
  const secret = (key: string) =>
    encode("Secret", { name: "default", body: { name: key }, clusters: [] }, "same");
  const [one, two] = [secret("one"), secret("two")].map((s) => frames.encode("Secret", [s], []));
  assert.notDeepEqual(one?.bytes, two?.bytes);
});
