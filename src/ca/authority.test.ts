import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { Authority } from "./authority.ts";
import { createRoot, type Issuer, loadIssuer } from "./root.ts";

const now = new Date("2030-01-01T00:00:00Z");
const identity = "spiffe://cluster.local/ns/shop/sa/reviews";

async function newIssuer(): Promise<Issuer> {
  const files = await createRoot({ trustDomain: "cluster.local", now, ttlMs: 1e9 });
  return loadIssuer(files, { source: "Secret mesh-system/cacerts", now });
}

test("an authority signs with the newest issuer and tells of the change once", async () => {
  const [first, second] = [await newIssuer(), await newIssuer()];
  const authority = new Authority(first, { workloadTtlMs: 3_600_000, now: () => now });
  let changes = 0;
  const stop = authority.onRootChange(() => (changes += 1));

  authority.replace({ ...first });
  assert.equal(changes, 0, "the same issuer, read again, is no change");
  authority.replace(second);
  assert.equal(changes, 1);
  assert.equal(authority.trustBundle().pem, second.rootsPem);
  const leaf = new X509Certificate((await authority.issue(identity)).certChainPem);
  assert.ok(leaf.verify(new X509Certificate(second.rootsPem).publicKey));

  stop();
  authority.replace(first);
  assert.equal(changes, 1);
});
