import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDelta } from "../proto/delta.ts";
import { encodeDelta, unframed } from "../proto/frame.ts";
import { DeltaDiscoveryResponse } from "../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { encode } from "../xds/encode.ts";
import { Frames } from "./frames.ts";

const cluster = (name: string) => encode("Cluster", { name, body: { name }, clusters: [] });

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

test("two identities never share a frame of secrets, even if their versions agree", () => {
  const frames = new Frames();
  const secret = (key: string) =>
    encode("Secret", { name: "default", body: { name: key }, clusters: [] }, "same");
  const [one, two] = [secret("one"), secret("two")].map((s) => frames.encode("Secret", [s], []));
  assert.notDeepEqual(one?.bytes, two?.bytes);
});
