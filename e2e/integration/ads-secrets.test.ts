/** Certificates of proxies that come from another replica with one in hand. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { IssuedSecret } from "../../src/ads/secrets.ts";
import { ROOT_SECRET, WORKLOAD_SECRET } from "../../src/api/names.ts";
import { AdsClient } from "../../src/testing/ads.ts";
import { waitFor } from "../harness/wait.ts";
import { HandMadeSecrets, startMesh } from "./ads-fixture.ts";

const HOUR_MS = 3_600_000;
const inSeconds = (ms: number): number => Math.round((Date.now() + ms) / 1_000);

/** As another replica has named it: root, renewal, end. */
const GOOD = `root-1.${inSeconds(HOUR_MS)}.${inSeconds(2 * HOUR_MS)}`;
const BROUGHT = { [WORKLOAD_SECRET]: GOOD, [ROOT_SECRET]: "root-1" };

const issued = async (): Promise<IssuedSecret> => ({
  certChainPem: "chain",
  keyPem: "key",
  notBefore: new Date(),
  notAfter: new Date(Date.now() + HOUR_MS),
});

async function connect(t: TestContext) {
  const secrets = new HandMadeSecrets(issued);
  const mesh = await startMesh(t, secrets);
  const client = new AdsClient({ port: mesh.port });
  t.after(() => client.close());
  // The order in which Envoy asks: what is in its clusters comes before its secrets.
  client.subscribe("Cluster");
  return { secrets, client };
}

test("a certificate that is still good is neither made nor sent again", async (t) => {
  const { secrets, client } = await connect(t);
  client.subscribe("Secret", [WORKLOAD_SECRET, ROOT_SECRET], BROUGHT);
  client.subscribe("Secret", [ROOT_SECRET]);
  await waitFor({ description: "answer about the root", deadlineMs: 5_000 }, () =>
    client.held("Secret").has(ROOT_SECRET),
  );
  assert.deepEqual([...client.held("Secret").keys()], [ROOT_SECRET]);
  assert.equal(secrets.issued, 0);
});

test("who asks for the certificate itself gets one that has content", async (t) => {
  const { client } = await connect(t);
  client.subscribe("Secret", [ROOT_SECRET], BROUGHT);
  client.subscribe("Secret", [WORKLOAD_SECRET]);
  await waitFor({ description: "certificate", deadlineMs: 5_000 }, () =>
    client.held("Secret").has(WORKLOAD_SECRET),
  );
  const sent = client.answers.filter(({ type }) => type === "Secret");
  assert.deepEqual(
    sent.flatMap(({ resources }) => resources.map(({ name }) => name)),
    [WORKLOAD_SECRET],
  );
  const { tlsCertificate } = client.decoded("Secret", WORKLOAD_SECRET) ?? {};
  assert.equal(tlsCertificate?.certificateChain?.inlineString, "chain");
});
