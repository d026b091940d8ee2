import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openMesh, ownNamespace, suiteEnd } from "../harness/case.ts";
import type { Cluster } from "../harness/cluster.ts";
import { type EnvoyAdmin, openAdmin } from "../harness/envoy.ts";
import { fetchFromClient, reachable } from "../harness/in-pod.ts";
import { CLIENT, deploy, HTTPBIN } from "../harness/samples.ts";
import { onePod } from "../harness/workloads.ts";

const MESH = "e2e-mtls";
const OUTSIDE = "e2e-mtls-outside";
const HOST = `httpbin.${MESH}`;
const HEADERS_URL = `http://${HOST}:8000/headers`;

/** Connections over TLS that the callee's Envoy accepted from other workloads. */
const TLS_CONNECTIONS = "^http\\.inbound.*downstream_cx_ssl_total$";

interface Seen {
  readonly headers: Readonly<Record<string, string>>;
}

describe("mutual TLS without being asked", () => {
  const end = suiteEnd();
  let cluster: Cluster;
  let callee: EnvoyAdmin;

  before(async () => {
    cluster = await openMesh();
    await Promise.all([
      ownNamespace(end, cluster, { name: MESH }),
      ownNamespace(end, cluster, { name: OUTSIDE, labels: {} }),
    ]);
    await Promise.all([
      deploy(cluster, MESH, [CLIENT, HTTPBIN]),
      deploy(cluster, OUTSIDE, [CLIENT]),
    ]);
    await reachable(cluster, MESH, { url: HEADERS_URL });
    const pod = await onePod(cluster, MESH, "app=httpbin");
    callee = await openAdmin(cluster.kubectl, MESH, pod.metadata.name);
  });

  after(() => {
    callee?.close();
    cluster?.api.close();
  });

  /** What httpbin says it was sent by the client of `namespace`. */
  const seenFrom = async (namespace: string): Promise<Seen> =>
    JSON.parse((await fetchFromClient(cluster, namespace, { url: HEADERS_URL })).body) as Seen;

  test("the callee learns the caller's SPIFFE identity, which the caller cannot choose", async () => {
    const forged = {
      "x-forwarded-client-cert": "By=nobody;URI=spiffe://cluster.local/ns/x/sa/admin",
    };
    const call = { url: HEADERS_URL, headers: forged };
    const { body } = await fetchFromClient(cluster, MESH, call);
    const peer = (JSON.parse(body) as Seen).headers["x-forwarded-client-cert"] ?? "";
    assert.match(peer, new RegExp(`By=spiffe://cluster\\.local/ns/${MESH}/sa/httpbin(;|$)`));
    assert.match(peer, new RegExp(`URI=spiffe://cluster\\.local/ns/${MESH}/sa/client(;|$)`));
    assert.doesNotMatch(peer, /admin/);
  });

  test("between sidecars the bytes are TLS: the callee's Envoy counts a TLS connection", async () => {
    const earlier = await callee.total(TLS_CONNECTIONS);
    // A new sidecar has no connection yet, so its first request must make one.
    await cluster.kubectl.run(["rollout", "restart", "deploy/client", `--namespace=${MESH}`]);
    await cluster.kubectl.run([
      "rollout",
      "status",
      "deploy/client",
      `--namespace=${MESH}`,
      "--timeout=60s",
    ]);
    await reachable(cluster, MESH, { url: HEADERS_URL });
    assert.ok((await callee.total(TLS_CONNECTIONS)) > earlier, "no TLS connection was counted");
  });

  test("plaintext from outside the mesh is served, without an identity and without TLS", async () => {
    const earlier = await callee.total(TLS_CONNECTIONS);
    const { headers } = await seenFrom(OUTSIDE);
    assert.equal(headers["x-forwarded-client-cert"], undefined);
    assert.equal(await callee.total(TLS_CONNECTIONS), earlier);
  });

  test("the certificate names the workload alone and is replaced before it expires", async () => {
    const { certificates } = JSON.parse(await callee.get("/certs")) as {
      certificates: { cert_chain: { subject_alt_names: object[]; expiration_time: string }[] }[];
    };
    const [leaf] = certificates.flatMap(({ cert_chain: chain }) => chain.slice(0, 1));
    assert.deepEqual(leaf?.subject_alt_names, [
      { uri: `spiffe://cluster.local/ns/${MESH}/sa/httpbin` },
    ]);
    const hours = (Date.parse(leaf?.expiration_time ?? "") - Date.now()) / 3_600_000;
    assert.ok(hours > 1 && hours <= 24.1, `expires in ${hours} hours`);
  });
});
