/**
 * Patches that are valid messages and that Envoy refuses all the same: the whole loop, from the object
 * in the API server to a real Envoy and back into the object's status.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import type { Caller } from "../../src/ads/auth.ts";
import { PodIndex } from "../../src/ads/pods.ts";
import { AdsServer } from "../../src/ads/server.ts";
import { type Condition, conditionOf } from "../../src/api/conditions.ts";
import type { ControlPlaneConfig } from "../../src/api/control-plane-config.ts";
import { KINDS, type Kind } from "../../src/api/kinds.ts";
import type { KubeObject } from "../../src/api/object.ts";
import type { Client } from "../../src/kube/client.ts";
import { reflect } from "../../src/kube/watch.ts";
import { Feedback } from "../../src/main/feedback.ts";
import { both } from "../../src/main/reflectors.ts";
import { createMeshModel } from "../../src/model/dataflow.ts";
import type { Sink } from "../../src/store/sink.ts";
import { SETTINGS } from "../../src/testing/fixtures.ts";
import { silent } from "../../src/util/log.ts";
import { encode } from "../../src/xds/encode.ts";
import { createScopes } from "../../src/xds/scopes.ts";
import { translators } from "../../src/xds/translate.ts";
import { ApiServer } from "../harness/api-server.ts";
import { freePort } from "../harness/ports.ts";
import { waitFor } from "../harness/wait.ts";
import { HandMadeSecrets } from "./ads-fixture.ts";
import { type RealEnvoy, startEnvoy } from "./real-envoy.ts";

const CRDS = join(import.meta.dirname, "../../crds/istio");
const NAMESPACE = "default";
const DEADLINE_MS = 30_000;
const PROXY: Caller = {
  key: "default/edge-1",
  pod: { namespace: NAMESPACE, name: "edge-1", uid: "1" },
  identity: "spiffe://cluster.local/ns/default/sa/edge",
  view: {
    kind: "gateway",
    namespace: NAMESPACE,
    workload: "default/edge-1",
    serviceAccount: "edge",
    labels: { istio: "edge" },
  },
};
const CONFIG: ControlPlaneConfig = {
  ...SETTINGS,
  mesh: "default",
  namespace: NAMESPACE,
  gatewayNamespaces: [],
  proxyImage: "none",
  workloadTtlMs: 86_400_000,
};

let server: ApiServer;
let client: Client;
let ads: AdsServer;
let envoy: RealEnvoy;
let telling: Promise<void>;
/** Of two servers, so that there are two listeners. */
let ports: readonly [number, number];
const stop = new AbortController();

const networking = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: kind === "EnvoyFilter" ? "networking.istio.io/v1alpha3" : "networking.istio.io/v1",
  kind,
  metadata: { name, namespace: NAMESPACE },
  spec,
});

const gateway = (): KubeObject =>
  networking("Gateway", "edge", {
    selector: { istio: "edge" },
    servers: ports.map((number) => ({
      port: { number, name: `http-${number}`, protocol: "HTTP" },
      hosts: ["*"],
    })),
  });

const answering = (text: string): KubeObject =>
  networking("VirtualService", "answer", {
    hosts: ["*"],
    gateways: ["edge"],
    http: [{ directResponse: { status: 200, body: { string: text } } }],
  });

/** A filter in Lua, on one port or on all. */
const lua = (script: string, portNumber?: number): object => ({
  applyTo: "HTTP_FILTER",
  match: { context: "GATEWAY", ...(portNumber && { listener: { portNumber } }) },
  patch: {
    operation: "INSERT_FIRST",
    value: {
      name: "envoy.filters.http.lua",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        default_source_code: { inline_string: script },
      },
    },
  },
});

const adding = (header: string): string =>
  `function envoy_on_response(handle) handle:headers():add("${header}", "yes") end`;

const patches = (...configPatches: readonly object[]): KubeObject =>
  networking("EnvoyFilter", "lua", { configPatches });

const apply = (object: KubeObject): Promise<KubeObject> =>
  client.apply(object, { manager: "test", force: true });

async function start(): Promise<void> {
  const model = createMeshModel(CONFIG);
  const feedback = new Feedback({ config: CONFIG, client, model, log: silent, pod: "test" });
  const { signal } = stop;
  const told = <T extends KubeObject>(kind: Kind<T>, sink: Sink<T>) =>
    reflect(client, kind, both<T>(sink, feedback.sink(kind)), { signal }).synced;
  await Promise.all([
    told(KINDS.virtualService, model.sinks.virtualServices),
    told(KINDS.gateway, model.sinks.gateways),
    told(KINDS.envoyFilter, model.sinks.envoyFilters),
  ]);
  const scopes = createScopes({
    engine: model.engine,
    mesh: model.mesh,
    translators,
    encode,
    onFault: ({ error }) => assert.fail(String(error)),
  });
  ads = new AdsServer({
    scopes,
    secrets: new HandMadeSecrets(),
    pods: new PodIndex(),
    trustDomain: CONFIG.trustDomain,
    authenticator: { authenticate: () => Promise.resolve(PROXY) },
    log: silent,
    onRejection: feedback.rejectionHeard.bind(feedback),
  });
  telling = feedback.run(ads, signal);
}

before(async () => {
  server = await ApiServer.start();
  client = server.client();
  for (const plural of ["virtualservices", "gateways", "envoyfilters"]) {
    const crd = readFileSync(join(CRDS, `${plural}.networking.istio.io.yaml`), "utf8");
    await client.apply(parse(crd) as KubeObject, { manager: "test" });
  }
  const kinds = [KINDS.virtualService, KINDS.gateway, KINDS.envoyFilter];
  await waitFor({ description: "the kinds in the API", deadlineMs: DEADLINE_MS }, async () => {
    await Promise.all(kinds.map((kind) => client.page<KubeObject>(kind, {})));
    return true;
  });
  ports = [await freePort(), await freePort()];
  await start();
  await apply(gateway());
  await apply(answering("one"));
  envoy = await startEnvoy({ adsPort: await ads.listenPlain(0) });
});

after(async () => {
  stop.abort();
  await envoy?.stop();
  await ads?.drain(0);
  await telling;
  client?.close();
  await server?.stop();
});

interface Want {
  readonly text: string;
  readonly headers: readonly string[];
}

/** Waits until a port answers so, and with no other header of a filter. */
const answers = (port: number, { text, headers }: Want): Promise<boolean> =>
  waitFor(
    {
      description: `answer "${text}" of port ${port} with ${headers.join(", ") || "no header"}`,
      deadlineMs: DEADLINE_MS,
      diagnose: async () => (await envoy.log()).slice(-2_000),
    },
    async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      const seen = [...response.headers.keys()].filter((name) => name.startsWith("x-lua"));
      assert.deepEqual([await response.text(), seen], [text, headers]);
      return true;
    },
  );

/** Waits until the filter's status is of the object as it is now, and says this. */
const programmed = (want: string): Promise<Condition> =>
  waitFor(
    { description: `EnvoyFilter with Programmed ${want}`, deadlineMs: 2 * DEADLINE_MS },
    async () => {
      const object = await client.get(KINDS.envoyFilter, { name: "lua", namespace: NAMESPACE });
      const { conditions = [] } = (object?.status ?? {}) as { conditions?: Condition[] };
      const found = conditionOf(conditions, "Programmed");
      assert.equal(Number(found?.observedGeneration), object?.metadata.generation);
      assert.equal(`${found?.status} ${found?.reason}`, want, found?.message);
      return found;
    },
  );

test("what Envoy refuses of a filter is left out where it is refused, told in Envoy's words, and mended by an edit", async () => {
  const [bad, good] = ports;
  await answers(bad, { text: "one", headers: [] });
  const unfinished = lua("function envoy_on_response(handle", bad);
  await apply(patches(lua(adding("x-lua-all")), unfinished));
  const { message } = await programmed("False Rejected");
  assert.match(
    message,
    new RegExp(
      `^Envoy rejects Listener 0\\.0\\.0\\.0_${bad} at the proxy default/edge-1 if spec\\.configPatches\\[1\\] is applied, so it is left out there: .*script load error`,
      "s",
    ),
  );
  await answers(bad, { text: "one", headers: ["x-lua-all"] });
  await answers(good, { text: "one", headers: ["x-lua-all"] });

  await apply(answering("two"));
  await answers(bad, { text: "two", headers: ["x-lua-all"] });

  await apply(patches(lua(adding("x-lua-all")), lua(adding("x-lua-one"), bad)));
  await answers(bad, { text: "two", headers: ["x-lua-all", "x-lua-one"] });
  await answers(good, { text: "two", headers: ["x-lua-all"] });
  await programmed("True Programmed");
  assert.equal(ads.connections.size, 1, "the proxy has not had to connect anew");
});
