/** Status of networking objects on a real API server: what is written, and what is not. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { type Condition, conditionOf } from "../../src/api/conditions.ts";
import { KINDS, type Kind } from "../../src/api/kinds.ts";
import { PROXY_KIND } from "../../src/api/labels.ts";
import { CONTROL_PLANE } from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import type { Address } from "../../src/feedback/addresses.ts";
import { Ledger } from "../../src/feedback/ledger.ts";
import type { Refusal } from "../../src/feedback/rejections.ts";
import { Scribe } from "../../src/feedback/scribe.ts";
import type { Client } from "../../src/kube/client.ts";
import { reflect } from "../../src/kube/watch.ts";
import { ExpiryClock } from "../../src/main/expiry.ts";
import { createMeshModel } from "../../src/model/dataflow.ts";
import type { Sink } from "../../src/store/sink.ts";
import { SETTINGS } from "../../src/testing/fixtures.ts";
import { silent } from "../../src/util/log.ts";
import { ApiServer } from "../harness/api-server.ts";
import { type KeyPair, PublicAuthority } from "../harness/certificates.ts";
import { waitFor } from "../harness/wait.ts";

const NAMESPACE = "default";
const CRDS = join(import.meta.dirname, "../../crds/istio");

interface Status {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly addresses?: readonly Address[];
}

const networking = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: "networking.istio.io/v1",
  kind,
  metadata: { name, namespace: NAMESPACE },
  spec,
});

const routes = (name: string, destination: object, match: object[] = []): KubeObject =>
  networking("VirtualService", name, {
    hosts: [name],
    http: [{ match, route: [{ destination }] }],
  });

const service = (name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: NAMESPACE },
  spec: { ports: [{ name: "http", port: 80 }] },
});

const base64 = (text = ""): string => Buffer.from(text).toString("base64");

const gatewayPod = (name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: NAMESPACE,
    labels: { istio: "edge", [PROXY_KIND]: "gateway" },
  },
  spec: { containers: [{ name: "proxy", image: "none" }] },
});

/** Everything but a mesh: model, ledger and scribe, behind real watches. */
class World {
  readonly model = createMeshModel(SETTINGS);
  readonly ledger = new Ledger();
  refusals: readonly Refusal[] = [];
  families: readonly string[] = ["IPv4"];
  readonly #client: Client;
  readonly #stop = new AbortController();

  constructor(client: Client) {
    this.#client = client;
  }

  async start(): Promise<void> {
    const { sinks } = this.model;
    const { signal } = this.#stop;
    const told = <T extends KubeObject>(kind: Kind<T>, sink: Sink<T>) =>
      reflect(this.#client, kind, tee<T>(sink, this.ledger.sink(kind)), { signal });
    const all = [
      reflect(this.#client, KINDS.service, sinks.services, { signal }),
      reflect(this.#client, KINDS.pod, sinks.pods, { signal }),
      reflect(this.#client, KINDS.secret, sinks.secrets, { signal, namespace: NAMESPACE }),
      told(KINDS.virtualService, sinks.virtualServices),
      told(KINDS.destinationRule, sinks.destinationRules),
      told(KINDS.gateway, sinks.gateways),
      told(KINDS.serviceEntry, sinks.serviceEntries),
    ];
    await Promise.all(all.map(({ synced }) => synced));
  }

  /** A term of leadership; the scribe writes until it is ended. */
  lead(): { readonly scribe: Scribe; end(): Promise<void> } {
    const { engine, findings } = this.model;
    const term = new AbortController();
    const signal = AbortSignal.any([term.signal, this.#stop.signal]);
    const scribe = new Scribe(
      {
        ledger: this.ledger,
        engine,
        findings,
        refusals: async () => this.refusals,
        addressFamilies: () => this.families,
        client: this.#client,
        log: silent,
      },
      signal,
    );
    const running = scribe.run();
    return {
      scribe,
      end: () => {
        term.abort();
        return running;
      },
    };
  }

  stop(): void {
    this.#stop.abort();
  }
}

function tee<T>(first: Sink<T>, second: Sink<T>): Sink<T> {
  return {
    replace: (objects) => [first, second].forEach((sink) => sink.replace(objects)),
    upsert: (object) => [first, second].forEach((sink) => sink.upsert(object)),
    remove: (key) => [first, second].forEach((sink) => sink.remove(key)),
  };
}

describe("status of networking objects", () => {
  let server: ApiServer;
  let client: Client;
  let world: World;

  before(async () => {
    server = await ApiServer.start();
    client = server.client();
    for (const plural of ["virtualservices", "destinationrules", "gateways", "serviceentries"]) {
      const crd = readFileSync(join(CRDS, `${plural}.networking.istio.io.yaml`), "utf8");
      await client.apply(parse(crd) as KubeObject, { manager: "test" });
    }
    await waitFor({ description: "kind Gateway in the API", deadlineMs: 20_000 }, async () => {
      await client.page(KINDS.gateway, {});
      await client.page(KINDS.virtualService, {});
      await client.page(KINDS.destinationRule, {});
      await client.page(KINDS.serviceEntry, {});
      return true;
    });
    world = new World(client);
    await world.start();
  });

  after(async () => {
    world?.stop();
    client?.close();
    await server?.stop();
  });

  const apply = (object: KubeObject): Promise<KubeObject> =>
    client.apply(object, { manager: "test", force: true });

  const statusOf = async ({ metadata, kind }: KubeObject): Promise<Status> => {
    const known = Object.values(KINDS).find((one) => one.kind === kind) ?? KINDS.gateway;
    const object = await client.get(known, metadata);
    const status = (object?.status ?? {}) as Status;
    if (Number(status.observedGeneration) !== object?.metadata.generation)
      throw new Error(`generation ${status.observedGeneration} of ${object?.metadata.generation}`);
    return status;
  };

  /** Waits until a condition speaks of the object as it is now, and says this. */
  const says = (object: KubeObject, type: string, want: string): Promise<Condition> =>
    waitFor(
      { description: `${object.metadata.name} with ${type}=${want}`, deadlineMs: 10_000 },
      async () => {
        const found = conditionOf((await statusOf(object)).conditions, type);
        const seen = `${found?.status} ${found?.reason}`;
        if (found === undefined || seen !== want) throw new Error(`${seen}: ${found?.message}`);
        return found;
      },
    );

  /** Of all objects or of one. The server notes a write before the writer has its answer, which a reader may not wait for. */
  const statusWrites = (of?: string): number =>
    server
      .writes()
      .filter(({ user, requestURI }) => user.username === "admin" && /\/status\b/.test(requestURI))
      .filter(({ objectRef }) => of === undefined || objectRef?.name === of).length;

  test("each object hears what is wrong with it, follows its world, and is written once per change", async (t) => {
    const term = world.lead();
    t.after(() => term.end());
    await apply(service("web"));
    const object = routes("web", { host: "web", subset: "v1" });
    await apply(object);
    const missing = await says(object, "ResolvedRefs", "False SubsetNotFound");
    assert.match(missing.message, /^spec\.http\[0\]\.route\[0\]\.destination\.subset: .*MESH0105/);
    await says(object, "Accepted", "True Accepted");
    const rule = networking("DestinationRule", "web", {
      host: "web",
      subsets: [{ name: "v1", labels: { version: "v1" } }],
    });
    await apply(rule);
    await says(object, "ResolvedRefs", "True ResolvedRefs");
    await says(rule, "Accepted", "True Accepted");
    await apply(routes("web", { host: "web" }, [{ uri: { regex: "(unclosed" } }]));
    const invalid = await says(object, "Accepted", "False Invalid");
    assert.match(invalid.message, /spec\.http\[0\]\.match\[0\]\.uri\.regex: .*RE2/);
    await apply(routes("web", { host: "web" }));
    await says(object, "Accepted", "True Accepted");
    await term.end();
    assert.equal(statusWrites("web"), 4 + 1, "writes for two objects called web");
  });

  test("the field manager is ours, and conditions of others stay", async (t) => {
    const object = networking("Gateway", "front", {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
    });
    await apply(object);
    const foreign = { type: "Reconciled", status: "True", reason: "Elsewhere", message: "" };
    await client.apply(
      { ...object, spec: undefined, status: { conditions: [foreign] } },
      { manager: "other", force: true, subresource: "status" },
    );
    const term = world.lead();
    t.after(() => term.end());
    await says(object, "Programmed", "True Programmed");
    const found = await client.get(KINDS.gateway, object.metadata);
    const types = ((found?.status ?? {}) as Status).conditions?.map(({ type }) => type);
    assert.deepEqual(types, ["Reconciled", "Accepted", "ResolvedRefs", "Programmed"]);
    const fields = found?.metadata as { readonly managedFields?: readonly { manager: string }[] };
    assert.ok(fields.managedFields?.some(({ manager }) => manager === CONTROL_PLANE));
  });

  test("a gateway's credential: what is wrong with it is told until the Secret is mended", async (t) => {
    const term = world.lead();
    t.after(() => term.end());
    const clock = new ExpiryClock(world.model);
    t.after(() => clock.stop());
    await apply(gatewayPod("edge-1"));
    const object = networking("Gateway", "secure", {
      selector: { istio: "edge" },
      servers: [
        {
          port: { number: 443, name: "https", protocol: "HTTPS" },
          hosts: ["a.example.com"],
          tls: { mode: "SIMPLE", credentialName: "cert" },
        },
      ],
    });
    await apply(object);
    const missing = await says(object, "ResolvedRefs", "False CredentialNotFound");
    const path = "spec.servers[0].tls.credentialName";
    assert.match(missing.message, /there is no Secret default\/cert, so server "https".*MESH0119/);
    assert.ok(missing.message.startsWith(path), missing.message);
    const [authority, other] = await Promise.all([
      PublicAuthority.create(),
      PublicAuthority.create(),
    ]);
    const [own, foreign] = [await authority.server("a"), await other.server("a")];
    const secret = ({ cert, key }: Partial<KeyPair>): KubeObject & { data: object } => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cert", namespace: NAMESPACE },
      data: { "tls.crt": base64(cert), ...(key && { "tls.key": base64(key) }) },
    });
    const invalid = async (words: RegExp): Promise<void> => {
      const { message } = await waitFor(
        { description: `status with ${words}`, deadlineMs: 10_000 },
        async () => {
          const found = await says(object, "ResolvedRefs", "False CredentialInvalid");
          if (!words.test(found.message)) throw new Error(found.message);
          return found;
        },
      );
      assert.ok(!message.includes("BEGIN"), message);
    };
    await apply(secret({ cert: own.cert }));
    await invalid(/Secret default\/cert has no tls\.key, .*MESH0120/);
    await apply(secret({ cert: own.cert, key: foreign.key }));
    await invalid(/has a tls\.key that does not belong to its tls\.crt/);
    await apply(secret(own));
    await says(object, "ResolvedRefs", "True ResolvedRefs");
    await apply(secret(await authority.expired("a")));
    await invalid(/has a certificate that clients refuse, for it expired at 20/);
    await says(object, "Accepted", "True Accepted");
    await apply(secret(own));
    await says(object, "ResolvedRefs", "True ResolvedRefs");
  });

  test("what proxies reject is told in Envoy's words, and believed for a while", async (t) => {
    const object = routes("rejected", { host: "web" });
    await apply(object);
    const term = world.lead();
    t.after(() => term.end());
    await says(object, "Programmed", "True Programmed");
    const refusal = {
      proxy: "shop/web-1",
      sources: ["VirtualService default/rejected"],
      resource: "VirtualHost 80/rejected:80",
      message: "Only unique values for domains are permitted",
    };
    world.refusals = [refusal, { ...refusal, proxy: "shop/web-2" }];
    term.scribe.rejectionHeard();
    const { message } = await says(object, "Programmed", "False Rejected");
    assert.match(message, /2 proxies, shop\/web-1 among them,.*: Only unique values/);
    // The next leader has heard nothing yet: its proxies may only just be connecting.
    world.refusals = [];
    await term.end();
    const count = statusWrites("rejected");
    const next = world.lead();
    t.after(() => next.end());
    const edited = routes("other", { host: "web" });
    await apply(edited);
    await says(edited, "Programmed", "True Programmed");
    await says(object, "Programmed", "False Rejected");
    assert.equal(statusWrites("rejected"), count);
    await apply(routes("rejected", { host: "web", port: { number: 80 } }));
    await says(object, "Programmed", "True Programmed");
  });

  test("a new leader finds nothing to write, nobody writes without one, deletes are no trouble", async () => {
    const term = world.lead();
    const doomed = routes("doomed", { host: "nowhere" });
    await apply(doomed);
    await says(doomed, "ResolvedRefs", "False DestinationNotFound");
    await client.remove(KINDS.virtualService, doomed.metadata);
    await term.end();
    const later = routes("later", { host: "web" });
    await apply(later);
    await waitFor({ description: "entry of later", deadlineMs: 5_000 }, () =>
      world.ledger.get("VirtualService default/later"),
    );
    const count = statusWrites();
    const next = world.lead();
    await says(later, "Accepted", "True Accepted");
    await next.end();
    assert.equal(statusWrites(), count + 1);
  });

  test("hosts without addresses get some, which stay over restarts and go when they are not wanted", async () => {
    const entry = (name: string, spec: object, labels: object = {}): KubeObject => {
      const hosts = [`${name}.example.com`, "*.example.org"];
      const object = networking("ServiceEntry", name, {
        hosts,
        resolution: "DYNAMIC_DNS",
        ...spec,
      });
      return { ...object, metadata: { ...object.metadata, labels: { ...labels } } };
    };
    const addressesOf = (object: KubeObject, count: number): Promise<readonly Address[]> =>
      waitFor(
        { description: `${count} addresses of ${object.metadata.name}`, deadlineMs: 10_000 },
        async () => {
          const { addresses = [] } = await statusOf(object);
          if (addresses.length !== count) throw new Error(JSON.stringify(addresses));
          return addresses;
        },
      );
    const first = world.lead();
    const [outside, other] = [entry("outside", {}), entry("other-outside", {})];
    await apply(outside);
    await apply(other);
    const given = await addressesOf(outside, 1);
    assert.equal(given[0]?.host, "outside.example.com");
    assert.match(given[0]?.value ?? "", /^240\.240\./);
    assert.notEqual((await addressesOf(other, 1))[0]?.value, given[0]?.value);
    await waitFor({ description: "the model with the address", deadlineMs: 5_000 }, () => {
      const found = world.model.mesh(world.model.engine).service("outside.example.com", "any");
      assert.deepEqual(found?.addresses, [given[0]?.value]);
      return true;
    });
    await first.end();
    const next = world.lead();
    const count = statusWrites("outside");
    await apply(entry("outside", { ports: [{ number: 80, name: "http", protocol: "HTTP" }] }));
    assert.deepEqual(await addressesOf(outside, 1), given);
    await next.end();
    assert.equal(statusWrites("outside"), count + 1);
    const last = world.lead();
    world.families = ["IPv4", "IPv6"];
    const both = await addressesOf(outside, 2);
    assert.deepEqual(both[0], given[0]);
    assert.match(both[1]?.value ?? "", /^2001:2::/);
    await apply(entry("outside", {}, { "networking.istio.io/enable-autoallocate-ip": "false" }));
    await addressesOf(outside, 0);
    await last.end();
  });
});
