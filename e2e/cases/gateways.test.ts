/** A second gateway from the MeshConfig, and every kind of server that a Gateway can ask of it. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { conditionOf } from "../../src/api/conditions.ts";
import { CONTROL_PLANE_NAMESPACE } from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import { mergePatch } from "../harness/api.ts";
import { openMesh, ownNamespace, suiteEnd } from "../harness/case.ts";
import { type KeyPair, PublicAuthority } from "../harness/certificates.ts";
import type { Cluster } from "../harness/cluster.ts";
import { diagnose } from "../harness/diagnose.ts";
import { sampleImage } from "../harness/environment.ts";
import { type ClientTls, failure, HttpClient, type Origin } from "../harness/http.ts";
import { type Ingress, reachIngress } from "../harness/ingress.ts";
import { startLoad } from "../harness/load.ts";
import { type MeshConfig, meshPath, meshReady } from "../harness/mesh.ts";
import { deploy, HTTPBIN, TCP_ECHO } from "../harness/samples.ts";
import { talk } from "../harness/tcp.ts";
import { waitFor } from "../harness/wait.ts";
import { pods, rolledOut } from "../harness/workloads.ts";

const NAMESPACE = "e2e-gateways";
const EDGE = "edge";
const SIMPLE = "simple.e2e-gateways.test";
const MUTUAL = "mutual.e2e-gateways.test";
const THROUGH = "through.e2e-gateways.test";
const LOST = "lost.e2e-gateways.test";
const PORTS = { http: 80, https: 443, tcp: 9000 } as const;
/** The proxy is not root. */
const LOWEST_TARGET = 1024;
/** An application that speaks TLS itself. */
const OWN_TLS = `require("node:https")
  .createServer({ cert: process.env.CERT, key: process.env.KEY }, (_, response) => response.end("its own"))
  .listen(8443)`;

const credential = (name: string, { cert, key }: KeyPair, roots?: string): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: `${NAMESPACE}-${name}`, namespace: CONTROL_PLANE_NAMESPACE },
  type: roots === undefined ? "kubernetes.io/tls" : "Opaque",
  stringData: { "tls.crt": cert, "tls.key": key, ...(roots && { "ca.crt": roots }) },
});

const server = (
  name: keyof typeof PORTS,
  protocol: string,
  host: string,
  tls?: object,
): object => ({
  port: { number: PORTS[name], name: `${name}-${host.split(".")[0]}`, protocol },
  hosts: [host],
  ...(tls && { tls }),
});

const GATEWAY = {
  apiVersion: "networking.istio.io/v1",
  kind: "Gateway",
  metadata: { name: EDGE },
  spec: {
    selector: { istio: EDGE },
    servers: [
      server("http", "HTTP", SIMPLE, { httpsRedirect: true }),
      server("https", "HTTPS", SIMPLE, {
        mode: "SIMPLE",
        credentialName: `${NAMESPACE}-simple`,
      }),
      server("https", "HTTPS", MUTUAL, {
        mode: "MUTUAL",
        credentialName: `${NAMESPACE}-mutual`,
      }),
      server("https", "HTTPS", LOST, { mode: "SIMPLE", credentialName: `${NAMESPACE}-lost` }),
      server("https", "TLS", THROUGH, { mode: "PASSTHROUGH" }),
      server("tcp", "TCP", "*"),
    ],
  },
};

const virtualService = (name: string, hosts: readonly string[], routing: object): object => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name },
  spec: { hosts, gateways: [EDGE], ...routing },
});

const to = (host: string, number: number): object[] => [
  { destination: { host, port: { number } } },
];

const ROUTES = [
  virtualService("web", [SIMPLE, MUTUAL, LOST], { http: [{ route: to("httpbin", 8000) }] }),
  virtualService("through", [THROUGH], {
    tls: [{ match: [{ port: 443, sniHosts: [THROUGH] }], route: to("own-tls", 443) }],
  }),
  virtualService("tcp", ["*"], {
    tcp: [{ match: [{ port: PORTS.tcp }], route: to("tcp-echo", 9000) }],
  }),
];

/** A pod whose certificate nobody but itself has. */
const ownTlsApp = ({ cert, key }: KeyPair): readonly object[] => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "own-tls" },
    spec: {
      selector: { app: "own-tls" },
      ports: [{ name: "tls", port: 443, targetPort: 8443 }],
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "own-tls" },
    spec: {
      selector: { matchLabels: { app: "own-tls" } },
      template: {
        metadata: { labels: { app: "own-tls" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "app",
              image: sampleImage,
              command: ["node", "-e", OWN_TLS],
              env: [
                { name: "CERT", value: cert },
                { name: "KEY", value: key },
              ],
              readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
];

/** Opens a TLS connection: what the server shows, or why there is none. */
function handshake(
  origin: Origin,
  tls: ClientTls,
): Promise<{ serial: string } | { error: string }> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({ ...origin, ...tls }, () => {
      const serial = new X509Certificate(socket.getPeerCertificate().raw).serialNumber;
      socket.destroy();
      resolve({ serial });
    });
    socket.once("error", ({ message: error }) => resolve({ error }));
  });
}

const serialOf = ({ cert }: KeyPair): string => new X509Certificate(cert).serialNumber;

describe("gateways", () => {
  const end = suiteEnd();
  const clients: HttpClient[] = [];
  const ways: Ingress[] = [];
  let cluster: Cluster;
  let authority: PublicAuthority;
  let own: KeyPair;
  let origins: Readonly<Record<keyof typeof PORTS, Origin>>;

  const apply = (...objects: readonly object[]): Promise<void> =>
    cluster.kubectl.applyText(objects.map((one) => JSON.stringify(one)).join("\n---\n"), NAMESPACE);

  const setGateways = async (gateways: unknown): Promise<void> => {
    const patch = mergePatch({ spec: { gateways } });
    const { status, body } = await cluster.api.send("PATCH", meshPath(), patch);
    assert.equal(status, 200, JSON.stringify(body));
  };

  before(async () => {
    cluster = await openMesh();
    await ownNamespace(end, cluster, { name: NAMESPACE });
    authority = await PublicAuthority.create();
    own = await authority.server(THROUGH);
    const mesh = await cluster.api.get<KubeObject<{ gateways: readonly object[] }>>(meshPath());
    const earlier = mesh?.spec?.gateways ?? [];
    end.after(async () => {
      await setGateways(earlier);
      await meshReady(cluster);
    });
    const ports = Object.entries(PORTS).map(([name, port]) => ({
      name,
      port,
      targetPort: port < LOWEST_TARGET ? 8000 + port : port,
    }));
    await setGateways([...earlier, { name: EDGE, drainSeconds: 1, service: { ports } }]);
    const secrets = [
      credential("simple", await authority.server(SIMPLE)),
      credential("mutual", await authority.server(MUTUAL), authority.rootsPem),
    ];
    end.after(async () => {
      const names = ["simple", "mutual", "lost"].map((name) => `${NAMESPACE}-${name}`);
      const command = ["delete", "secret", "--ignore-not-found", "-n", CONTROL_PLANE_NAMESPACE];
      await cluster.kubectl.run([...command, ...names]);
    });
    await cluster.kubectl.applyText(secrets.map((one) => JSON.stringify(one)).join("\n---\n"));
    await apply(GATEWAY, ...ROUTES, ...ownTlsApp(own));
    await deploy(cluster, NAMESPACE, [HTTPBIN, TCP_ECHO]);
    await meshReady(cluster);
    await rolledOut(cluster, CONTROL_PLANE_NAMESPACE);
    const reach = async (port: number): Promise<Origin> => {
      const way = await reachIngress(cluster, port, EDGE);
      ways.push(way);
      return { host: way.host, port: way.port };
    };
    origins = {
      http: await reach(PORTS.http),
      https: await reach(PORTS.https),
      tcp: await reach(PORTS.tcp),
    };
    await answers(https(SIMPLE));
  });

  after(() => {
    for (const one of [...clients, ...ways]) one.close();
    cluster?.api.close();
  });

  function https(servername: string, who?: KeyPair): HttpClient {
    const tls = { ca: authority.rootsPem, servername, ...who };
    const client = new HttpClient(origins.https, { host: servername }, tls);
    clients.push(client);
    return client;
  }

  /** A gateway and its pods take a moment to hear of each other. */
  const answers = (client: HttpClient): Promise<string> =>
    waitFor(
      {
        description: "answer of 200 through the gateway",
        deadlineMs: 30_000,
        diagnose: () => diagnose(cluster, [NAMESPACE]),
      },
      async () => {
        const record = await client.get("/get");
        const wrong = failure(record);
        if (wrong) throw new Error(wrong);
        return record.body;
      },
    );

  /** What the cluster's load balancer gave the gateway. */
  async function balancedAt(): Promise<string | undefined> {
    type Balanced = { loadBalancer?: { ingress?: readonly { ip?: string }[] } };
    const path = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/services/${EDGE}`;
    const service = await cluster.api.get<KubeObject<unknown, Balanced>>(path);
    const address = service?.status?.loadBalancer?.ingress?.[0]?.ip;
    assert.ok(address, `${path} has no address`);
    return address;
  }

  test("every gateway of the MeshConfig has an address in its status", async () => {
    const mesh = await cluster.api.get<MeshConfig>(meshPath());
    type Listed = { readonly name: string; readonly ready?: boolean; addresses?: string[] };
    const listed = (mesh?.status as { gateways?: readonly Listed[] } | undefined)?.gateways ?? [];
    const all = new Map(listed.map((gateway) => [gateway.name, gateway]));
    assert.deepEqual([...all.keys()].sort(), [EDGE, "istio-ingressgateway"]);
    const addresses = listed.map((gateway) => gateway.addresses?.[0] ?? "");
    assert.deepEqual(
      listed.map(({ ready }) => ready),
      [true, true],
    );
    assert.equal(new Set(addresses).size, 2, addresses.join(" "));
    if (cluster.kind === "local") assert.equal(all.get(EDGE)?.addresses?.[0], await balancedAt());
  });

  test("HTTPS: the gateway shows the certificate of its credential and passes on what it was asked", async () => {
    const seen = JSON.parse(await answers(https(SIMPLE))) as { headers: Record<string, string> };
    assert.equal(seen.headers["x-forwarded-proto"], "https");
    assert.match(
      seen.headers["x-forwarded-client-cert"] ?? "",
      new RegExp(`URI=spiffe://cluster\\.local/ns/${CONTROL_PLANE_NAMESPACE}/sa/${EDGE}(;|$)`),
    );
  });

  const says = (
    want: string,
    check: (message: string) => void = () => undefined,
  ): Promise<boolean> =>
    waitFor({ description: `Gateway with ResolvedRefs ${want}`, deadlineMs: 30_000 }, async () => {
      const found = await conditionNamed("ResolvedRefs");
      assert.equal(`${found?.status} ${found?.reason}`, want, found?.message);
      check(found?.message ?? "");
      return true;
    });

  const conditionNamed = async (type: string) => {
    const path = `/apis/networking.istio.io/v1/namespaces/${NAMESPACE}/gateways/${EDGE}`;
    type Status = { conditions?: Parameters<typeof conditionOf>[0] };
    const gateway = await cluster.api.get<KubeObject<unknown, Status>>(path);
    return conditionOf(gateway?.status?.conditions, type);
  };

  test("plain HTTP is sent to HTTPS", async () => {
    const client = new HttpClient(origins.http, { host: SIMPLE });
    clients.push(client);
    const { status, headers } = await client.get("/get?a=b");
    assert.deepEqual([status, headers.location], [301, `https://${SIMPLE}/get?a=b`]);
  });

  test("mutual TLS: who has a certificate of the credential's authority gets in, nobody else", async () => {
    const known = await authority.client("spiffe://public/known");
    await answers(https(MUTUAL, known));
    const stranger = await (await PublicAuthority.create()).client("spiffe://public/stranger");
    for (const [who, identity] of [
      ["without a certificate", undefined],
      ["with one of a stranger", stranger],
    ] as const) {
      const { status, error } = await https(MUTUAL, identity).get("/get");
      assert.equal(status, 0, `${who} it was answered`);
      assert.match(error ?? "", /alert|ECONNRESET|socket hang up/i, who);
    }
  });

  test("passthrough: the application itself ends TLS", async () => {
    const record = await https(THROUGH).get("/");
    assert.deepEqual([record.status, record.body, record.error], [200, "its own", undefined]);
    const tls = { ca: authority.rootsPem, servername: THROUGH };
    assert.deepEqual(await handshake(origins.https, tls), { serial: serialOf(own) });
  });

  test("TCP: a line goes through the gateway and comes back", async () => {
    assert.match(await talk(origins.tcp, "hello"), /^(one|two) hello$/);
  });

  test("a server whose credential is missing answers nobody and says so until there is one, and the others serve", async () => {
    const tls = { ca: authority.rootsPem, servername: LOST };
    assert.ok("error" in (await handshake(origins.https, tls)));
    await answers(https(SIMPLE));
    await says("False CredentialNotFound", (message) => {
      const name = `Secret ${CONTROL_PLANE_NAMESPACE}/${NAMESPACE}-lost`;
      assert.match(message, /^spec\.servers\[3\]\.tls\.credentialName: /);
      assert.ok(message.includes(`there is no ${name}, so server "https-lost" answers nobody`));
    });
    const found = await authority.server(LOST);
    const wrong = { ...(await authority.server(LOST)), cert: found.cert };
    await cluster.kubectl.applyText(JSON.stringify(credential("lost", wrong)));
    await says("False CredentialInvalid", (message) =>
      assert.match(message, /-lost has a tls\.key that does not belong to its tls\.crt/),
    );
    await cluster.kubectl.applyText(JSON.stringify(credential("lost", found)));
    await says("True ResolvedRefs");
    await answers(https(LOST));
  });

  test("a renewed Secret is followed: new connections get the new certificate, no request fails, no pod restarts", async (t) => {
    const edge = async (): Promise<readonly string[]> =>
      (await pods(cluster, CONTROL_PLANE_NAMESPACE, `app=${EDGE}`)).map(
        ({ metadata, status }) =>
          `${metadata.uid} ${status?.containerStatuses?.map(({ restartCount }) => restartCount).join(",")}`,
      );
    const earlier = await edge();
    const load = startLoad({ client: https(SIMPLE), request: { path: "/get" }, pauseMs: 10 });
    t.after(() => load.stop().then(() => undefined));
    const tls = { ca: authority.rootsPem, servername: SIMPLE };
    for (const renewed of [await authority.server(SIMPLE), await authority.server(SIMPLE)]) {
      await cluster.kubectl.applyText(JSON.stringify(credential("simple", renewed)));
      await waitFor(
        { description: "handshake with the renewed certificate", deadlineMs: 30_000 },
        async () => {
          const shown = await handshake(origins.https, tls);
          if ("error" in shown) throw new Error(shown.error);
          return shown.serial === serialOf(renewed);
        },
      );
    }
    const records = await load.stop();
    assert.ok(records.length > 0);
    assert.deepEqual(
      records.flatMap((record) => failure(record) ?? []),
      [],
    );
    assert.deepEqual(await edge(), earlier);
  });

  test("the Gateway's status says that it is served", async () => {
    await waitFor(
      { description: "Gateway with Programmed=True", deadlineMs: 30_000 },
      async () => (await conditionNamed("Programmed"))?.status === "True",
    );
  });
});
