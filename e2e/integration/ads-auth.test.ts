/** Who is served: TLS, the pod's token, and the certificates that an authenticated proxy gets. */
import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from "jose";
import { Authenticator, type TokenUser } from "../../src/ads/auth.ts";
import { PodIndex } from "../../src/ads/pods.ts";
import { AdsServer } from "../../src/ads/server.ts";
import { ServingCertificates } from "../../src/ads/serving.ts";
import { ROOT_SECRET, TOKEN_AUDIENCE, WORKLOAD_SECRET } from "../../src/api/names.ts";
import { Authority } from "../../src/ca/authority.ts";
import { createRoot, loadIssuer } from "../../src/ca/root.ts";
import { AdsClient, type AdsClientOptions } from "../../src/testing/ads.ts";
import { HandMadeScopes } from "../../src/testing/scopes.ts";
import { silent } from "../../src/util/log.ts";
import { bootstrap, ROOT_SDS_FILE, rootSds, TOKEN_FILE } from "../../src/xds/bootstrap.ts";
import type { ResourceType } from "../../src/xds/resource.ts";
import { waitFor } from "../harness/wait.ts";
import { startEnvoy } from "./real-envoy.ts";
import { byName, cluster, endpoints } from "./world.ts";

const ISSUER = "https://kubernetes.default.svc";
const SERVER_NAME = "meshwright-control-plane.mesh-system.svc";
const POD = {
  metadata: { namespace: "shop", name: "web-1", uid: "uid-1" },
  spec: { serviceAccountName: "web" },
};
const soon = (description: string) => ({ description, deadlineMs: 10_000, intervalMs: 10 });

interface Claims {
  readonly audience?: string;
  readonly issuer?: string;
  readonly expires?: string;
  readonly serviceAccount?: string;
  readonly pod?: { readonly name: string; readonly uid: string } | undefined;
}

interface Scene {
  readonly server: AdsServer;
  readonly scopes: HandMadeScopes;
  readonly pods: PodIndex;
  readonly authority: Authority;
  readonly port: number;
  readonly certificates: ServingCertificates;
  reviewed: number;
  review: (token: string) => TokenUser | undefined;
  token(claims?: Claims): Promise<string>;
  client(options?: Partial<AdsClientOptions>): AdsClient;
}

const issuer = async () =>
  loadIssuer(
    await createRoot({ trustDomain: "cluster.local", now: new Date(), ttlMs: 86_400_000 }),
    { source: "test", now: new Date() },
  );

async function scene(
  t: TestContext,
  { workloadTtlMs = 3_600_000, podWaitMs = 300 } = {},
): Promise<Scene> {
  const authority = new Authority(await issuer(), { workloadTtlMs, now: () => new Date() });
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256" };
  const keys = { keys: [jwk] } satisfies JSONWebKeySet;
  const [pods, scopes] = [new PodIndex(), new HandMadeScopes()];
  pods.replace([POD]);
  const authenticator = new Authenticator({
    issuer: {
      discover: () => Promise.resolve({ issuer: ISSUER, keys }),
      review: (token) => {
        at.reviewed += 1;
        return Promise.resolve(at.review(token));
      },
    },
    pods,
    trustDomain: "cluster.local",
    log: silent,
    podWaitMs,
  });
  const server = new AdsServer({
    scopes,
    secrets: authority,
    pods,
    trustDomain: "cluster.local",
    authenticator,
    log: silent,
  });
  const certificates = new ServingCertificates(await authority.issueServing([SERVER_NAME]));
  const port = await server.listen({ host: "127.0.0.1", port: 0, certificates });
  t.after(() => server.drain(0));
  const at: Scene = {
    server,
    scopes,
    pods,
    authority,
    port,
    certificates,
    reviewed: 0,
    review: () => undefined,
    token: async ({ audience, issuer: iss, expires, serviceAccount, pod } = {}) =>
      new SignJWT({
        "kubernetes.io": {
          namespace: "shop",
          serviceaccount: { name: serviceAccount ?? "web", uid: "sa-1" },
          pod: pod ?? { name: "web-1", uid: "uid-1" },
        },
      })
        .setProtectedHeader({ alg: "RS256", kid: "k1" })
        .setIssuer(iss ?? ISSUER)
        .setAudience(audience ?? TOKEN_AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(expires ?? "1h")
        .sign(privateKey),
    client: (options = {}) => {
      const tls = { rootsPem: authority.trustBundle().pem, serverName: SERVER_NAME };
      const client = new AdsClient({ port, tls, ...options });
      t.after(() => client.close());
      return client;
    },
  };
  return at;
}

const refusals: readonly { name: string; claims?: Claims; raw?: string; says: RegExp }[] = [
  { name: "no token", says: /no bearer token/ },
  { name: "a token that is none", raw: "nonsense", says: /not valid/ },
  { name: "another audience", claims: { audience: "api" }, says: /"aud"/ },
  { name: "another issuer", claims: { issuer: "https://evil" }, says: /"iss"/ },
  { name: "an expired token", claims: { expires: "-2m" }, says: /"exp"/ },
  {
    name: "the token of a pod that is gone",
    claims: { pod: { name: "web-1", uid: "uid-0" } },
    says: /pod shop\/web-1 with uid uid-0 .* is not known/,
  },
  {
    name: "a pod of another service account",
    claims: { serviceAccount: "admin" },
    says: /service account admin is not known/,
  },
];

for (const { name, claims, raw, says } of refusals) {
  test(`${name} gets UNAUTHENTICATED and nothing else`, async (t) => {
    const at = await scene(t);
    at.scopes.write({ Cluster: byName(cluster("a")) });
    const token = raw ?? (claims && (await at.token(claims)));
    const client = at.client(token === undefined ? {} : { token });
    client.subscribe("Cluster");
    client.subscribe("Secret", [WORKLOAD_SECRET, ROOT_SECRET]);
    const { code, details } = await client.ended;
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, says);
    assert.deepEqual(client.answers, []);
    assert.equal(at.server.connections.size, 0);
  });
}

test("a stream waits for the watch to see its pod", async (t) => {
  const at = await scene(t, { podWaitMs: 10_000 });
  const client = at.client({ token: await at.token({ pod: { name: "web-2", uid: "uid-2" } }) });
  client.subscribe("Secret", [ROOT_SECRET]);
  at.pods.upsert({ ...POD, metadata: { ...POD.metadata, name: "web-2", uid: "uid-2" } });
  await waitFor(soon("root"), () => client.held("Secret").has(ROOT_SECRET));
});

test("a key that is not among the cluster's is left to the API server", async (t) => {
  const at = await scene(t);
  const { privateKey } = await generateKeyPair("RS256");
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "RS256", kid: "k2" })
    .sign(privateKey);
  const stranger = at.client({ token });
  stranger.subscribe("Cluster");
  assert.equal((await stranger.ended).code, status.UNAUTHENTICATED);
  assert.equal(at.reviewed, 1);

  at.review = () => ({
    namespace: "shop",
    serviceAccount: "web",
    pod: { name: "web-1", uid: "uid-1" },
  });
  const client = at.client({ token });
  client.subscribe("Secret", [ROOT_SECRET]);
  await waitFor(soon("root"), () => client.held("Secret").has(ROOT_SECRET));
});

test("a proxy gets the certificate of its own identity, the same for all its replicas", async (t) => {
  const at = await scene(t);
  at.pods.upsert({ ...POD, metadata: { ...POD.metadata, name: "web-2", uid: "uid-2" } });
  const first = at.client({ token: await at.token() });
  const second = at.client({ token: await at.token({ pod: { name: "web-2", uid: "uid-2" } }) });
  for (const client of [first, second]) {
    client.subscribe("Secret", [WORKLOAD_SECRET, ROOT_SECRET]);
    await waitFor(soon("certificate"), () => client.held("Secret").size === 2);
  }
  const [one, two] = [first, second].map((client) => client.decoded("Secret", WORKLOAD_SECRET));
  assert.deepEqual(one, two);
  const root = first.decoded("Secret", ROOT_SECRET)?.validationContext?.trustedCa?.inlineString;
  assert.equal(root, at.authority.trustBundle().pem);
});

test("a proxy that brings a good certificate along gets none, and a new one with a new root", async (t) => {
  const at = await scene(t);
  const token = await at.token();
  const first = at.client({ token });
  first.subscribe("Secret", [WORKLOAD_SECRET, ROOT_SECRET]);
  await waitFor(soon("certificate"), () => first.held("Secret").size === 2);
  const versions = first.versions("Secret");
  first.close();
  await waitFor(soon("end of the stream"), () => at.server.connections.size === 0);

  const again = at.client({ token });
  again.subscribe("Secret", [WORKLOAD_SECRET, ROOT_SECRET], versions);
  again.subscribe("Cluster");
  await waitFor(soon("answer for clusters"), () => again.answers.length > 0);
  assert.deepEqual(
    again.answers.map(({ type }) => type),
    ["Cluster"],
  );

  at.authority.replace(await issuer());
  await waitFor(soon("new root and certificate"), () => again.held("Secret").size === 2);
  assert.notEqual(again.versions("Secret")[ROOT_SECRET], versions[ROOT_SECRET]);
  assert.notEqual(again.versions("Secret")[WORKLOAD_SECRET], versions[WORKLOAD_SECRET]);
});

test("a certificate from another replica is kept, however early this one speaks of clusters", async (t) => {
  const at = await scene(t);
  at.pods.upsert({ ...POD, metadata: { ...POD.metadata, name: "web-2", uid: "uid-2" } });
  const sibling = at.client({ token: await at.token({ pod: { name: "web-2", uid: "uid-2" } }) });
  sibling.subscribe("Secret", [WORKLOAD_SECRET]);
  await waitFor(soon("certificate"), () => sibling.held("Secret").has(WORKLOAD_SECRET));
  const [root, renewAt, notAfter] = sibling.versions("Secret")[WORKLOAD_SECRET]?.split(".") ?? [];
  const elsewhere = `${root}.${Number(renewAt) + 7}.${notAfter}`;

  const client = at.client({ token: await at.token() });
  const answered = (): ResourceType[] => client.answers.map(({ type }) => type);
  client.subscribe("Cluster");
  await waitFor(soon("answer for clusters"), () => answered().includes("Cluster"));
  client.subscribe("Secret", [WORKLOAD_SECRET], { [WORKLOAD_SECRET]: elsewhere });
  client.subscribe("Listener");
  await waitFor(soon("answer for listeners"), () => answered().includes("Listener"));
  assert.deepEqual(answered(), ["Cluster", "Listener"]);

  client.subscribe("Secret", [WORKLOAD_SECRET]);
  await waitFor(soon("certificate"), () => client.held("Secret").has(WORKLOAD_SECRET));
  assert.ok(client.decoded("Secret", WORKLOAD_SECRET)?.tlsCertificate?.certificateChain);
});

test("a certificate is replaced well before it ends", async (t) => {
  // Backdated by two minutes, so a life of 121 s is renewed in its first second or so.
  const at = await scene(t, { workloadTtlMs: 1_000 });
  const client = at.client({ token: await at.token() });
  client.subscribe("Secret", [WORKLOAD_SECRET]);
  await waitFor(soon("certificate"), () => client.held("Secret").has(WORKLOAD_SECRET));
  const { version } = client.held("Secret").get(WORKLOAD_SECRET) ?? {};
  await waitFor(
    soon("next certificate"),
    () => client.held("Secret").get(WORKLOAD_SECRET)?.version !== version,
  );
});

test("stock Envoy with the injected bootstrap connects; token, root and certificates rotate", async (t) => {
  const at = await scene(t);
  const directory = await mkdtemp(join(tmpdir(), "meshwright-proxy-"));
  t.after(() => rm(directory, { recursive: true }));
  const put = async (file: string, content: string): Promise<void> => {
    await writeFile(join(directory, `.${file}`), content);
    await rename(join(directory, `.${file}`), join(directory, file));
  };
  await put(ROOT_SDS_FILE, rootSds(at.authority.trustBundle().pem));
  await put(TOKEN_FILE, await at.token({ audience: "wrong" }));
  at.scopes.write({
    Cluster: byName(cluster("a", { secret: WORKLOAD_SECRET })),
    ClusterLoadAssignment: byName(endpoints("a", 1)),
  });
  const [adsCluster] =
    bootstrap({
      namespace: "mesh-system",
      clusterDomain: "cluster.local",
      podIp: "127.0.0.1",
      probes: [],
      directory,
      controlPlane: { host: "127.0.0.1", port: at.port },
    }).staticResources?.clusters ?? [];
  const envoy = await startEnvoy({ adsPort: at.port, adsCluster: { ...adsCluster, name: "xds" } });
  t.after(() => envoy.stop());
  const refusal = {
    ...soon("refusal in Envoy's log"),
    diagnose: async () => (await envoy.log()).slice(-2_000),
  };
  await waitFor(refusal, async () => (await envoy.log()).includes("claim%20value"));
  assert.equal(at.server.connections.size, 0);

  await put(TOKEN_FILE, await at.token());
  await waitFor(soon("connection"), () => at.server.connections.size === 1);
  await waitFor(soon("warm cluster"), async () => (await envoy.clusters()).includes("a"));
  const certificate = async (): Promise<string> => envoy.admin("/certs");
  const before = await certificate();
  assert.match(before, /spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web/);

  // Another root: proxies trust both until the server has changed over.
  const next = await issuer();
  const bundle = at.authority.trustBundle().pem + next.rootsPem;
  await put(ROOT_SDS_FILE, rootSds(bundle));
  at.authority.replace({ ...next, rootsPem: bundle, generation: "both" });
  at.certificates.replace(await at.authority.issueServing([SERVER_NAME]));
  await waitFor(soon("certificate of the new root"), async () => (await certificate()) !== before);
  for (const connection of at.server.connections) connection.end();
  await waitFor(soon("reconnection"), () => at.server.connections.size === 1);
});
