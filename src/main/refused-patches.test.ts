import assert from "node:assert/strict";
import { test } from "node:test";
import type { Caller } from "../ads/auth.ts";
import { createMeshModel, type MeshModel } from "../model/dataflow.ts";
import type { Mesh } from "../model/ir/mesh.ts";
import { decodeResource } from "../proto/delta.ts";
import { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { apply, modelOf, remove, SETTINGS } from "../testing/fixtures.ts";
import { encode } from "../xds/encode.ts";
import type { EncodedResource, ResourceType } from "../xds/resource.ts";
import { createScopes } from "../xds/scopes.ts";
import { translators } from "../xds/translate.ts";
import { RefusedPatches } from "./refused-patches.ts";

const service = (i: number): string => `
apiVersion: v1
kind: Service
metadata: { name: s${i} }
spec: { clusterIP: 10.96.0.${i + 1}, ports: [{ name: http, port: 80 }] }
`;

const services = (count: number): string =>
  Array.from({ length: count }, (_, i) => service(i)).join("---");

const filter = (...configPatches: readonly string[]): string => `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: f }
spec: { configPatches: [${configPatches.join(", ")}] }
`;

/** What the Envoy of this test refuses: a message like any other. */
const BAD_LIMIT = 7;
const BAD = `{ applyTo: CLUSTER, match: { context: SIDECAR_OUTBOUND, cluster: { portNumber: 80 } }, patch: { operation: MERGE, value: { per_connection_buffer_limit_bytes: ${BAD_LIMIT} } } }`;
const GOOD = BAD.replace(String(BAD_LIMIT), "8");
const ELSEWHERE = `{ applyTo: CLUSTER, match: { cluster: { name: nowhere } }, patch: { operation: MERGE, value: { connect_timeout: 1s } } }`;
const ADDED = `{ applyTo: CLUSTER, patch: { operation: ADD, value: { name: mine, connect_timeout: 1s, per_connection_buffer_limit_bytes: ${BAD_LIMIT} } } }`;

const limitOf = ({ bytes }: EncodedResource): number | undefined =>
  Cluster.decode(decodeResource(bytes).body).perConnectionBufferLimitBytes;

const callerOf = (name: string): Caller => ({
  key: `default/${name}`,
  pod: { namespace: "default", name, uid: name },
  identity: `spiffe://cluster.local/ns/default/sa/${name}`,
  view: {
    kind: "sidecar",
    namespace: "default",
    workload: `default/${name}`,
    serviceAccount: name,
    labels: { app: name },
  },
});

/** Proxies that refuse some clusters, each of which is sent alone. */
class World {
  readonly model: MeshModel;
  readonly patches: RefusedPatches;
  reads = 0;
  rejections = 0;
  readonly #scopes: ReturnType<typeof createScopes>;
  readonly #proxies = new Map<string, Connected>();

  constructor(yaml: string) {
    const model = modelOf(yaml);
    const counted: MeshModel = { ...model, mesh: (cx) => this.#counting(model.mesh(cx)) };
    this.model = model;
    this.patches = new RefusedPatches(counted, () => this.#proxies.values());
    this.#scopes = createScopes({
      engine: model.engine,
      mesh: model.mesh,
      translators,
      encode,
      onFault: ({ error }) => assert.fail(String(error)),
    });
  }

  /** @param kind in a pod with a sidecar an application may speak for itself, too */
  connect(name: string, kind: "sidecar" | "grpc" = "sidecar"): void {
    const caller = callerOf(name);
    const view = { ...caller.view, kind };
    const held = this.#scopes.acquire(view);
    this.#proxies.set(kind === "grpc" ? `${name} grpc` : name, {
      caller: { ...caller, view },
      release: () => held.release(),
      all: (type) => held.scope.of(type).resources,
      resource: (type, of) => held.scope.of(type).resources.get(of),
    });
  }

  disconnect(name: string): void {
    this.#proxies.get(name)?.release();
    this.#proxies.delete(name);
  }

  /** Each proxy gets what there is, until none refuses anything. */
  settle(): void {
    let before: number;
    do {
      before = this.rejections;
      for (const proxy of this.#proxies.values()) this.#look(proxy);
    } while (this.rejections > before);
  }

  #look(proxy: Connected): void {
    const bad = [...proxy.all("Cluster").values()].filter((one) => limitOf(one) === BAD_LIMIT);
    for (const cluster of bad) this.#refuse(proxy.caller, cluster);
  }

  /** Those of services that the proxy should have as it takes them. */
  clusters(name: string): readonly string[] {
    return [...(this.#proxies.get(name)?.all("Cluster").values() ?? [])]
      .filter((cluster) => limitOf(cluster) !== BAD_LIMIT && cluster.name.startsWith("outbound"))
      .map((cluster) => cluster.name);
  }

  /** As a look at all refusals tells it. */
  told(): readonly string[] {
    return this.patches
      .refusals()
      .map(({ proxy, sources, resource, without }) =>
        [proxy, ...sources, without, resource].join(" "),
      );
  }

  get remembered(): number {
    return [...this.model.sinks.refusedVersions.entries()].length;
  }

  #refuse(caller: Caller, { name, version, patches }: EncodedResource): void {
    this.rejections += 1;
    assert.ok(this.rejections < 1_000, "it never settles");
    const resources = [{ name, version, ...(patches && { isPatched: true as const }) }];
    const rejection = { proxy: caller.key, type: "Cluster", resources, message: "no" } as const;
    this.patches.heard(rejection);
  }

  #counting(mesh: Mesh): Mesh {
    return new Proxy(mesh, {
      get: (target, property): unknown => {
        this.reads += 1;
        return Reflect.get(target, property);
      },
    });
  }
}

interface Connected {
  readonly caller: Caller;
  readonly release: () => void;
  all(type: ResourceType): ReadonlyMap<string, EncodedResource>;
  resource(type: ResourceType, name: string): EncodedResource | undefined;
}

const FIRST = "Cluster outbound|80||s0.default.svc.cluster.local";

test("a patch that is refused everywhere is told of once, and a look costs no more for it", () => {
  const looks = [5, 50].map((count) => {
    const world = new World([services(count), filter(BAD)].join("---"));
    world.connect("a");
    world.settle();
    assert.equal(world.clusters("a").length, count);
    assert.equal(world.rejections, count);
    world.reads = 0;
    return { told: world.told(), reads: world.reads };
  });
  assert.equal(looks[1]?.reads, looks[0]?.reads);
  for (const { told } of looks)
    assert.deepEqual(told, [`default/a EnvoyFilter default/f spec.configPatches[0] ${FIRST}`]);
});

test("what somebody's resource is made without is remembered, however much it is", () => {
  const model = createMeshModel(SETTINGS);
  const caller = callerOf("a");
  const patches = new RefusedPatches(model, () => []);
  const isRefused = model.engine.query((cx, version: string) => model.mesh(cx).isRefused(version));
  const watches = Array.from({ length: 1_001 }, (_, i) => {
    const watch = model.engine.watch(isRefused.node(`v${i}`), () => {});
    watch.read();
    return watch;
  });
  for (const i of watches.keys()) {
    const resources = [{ name: `c${i}`, version: `v${i}`, isPatched: true as const }];
    patches.heard({ proxy: caller.key, type: "Cluster", resources, message: "no" });
  }
  assert.deepEqual(
    watches.flatMap((watch, i) => (watch.read() ? [] : [i])),
    [],
  );
});

test("of what concerns nobody who is connected, some is remembered", () => {
  const world = new World("");
  for (let i = 0; i < 5_000; i += 1) {
    const resources = [{ name: `c${i}`, version: `v${i}`, isPatched: true as const }];
    world.patches.heard({ proxy: "default/gone", type: "Cluster", resources, message: "no" });
  }
  assert.ok(world.remembered >= 1_000, String(world.remembered));
  assert.ok(world.remembered <= 2_000, String(world.remembered));
});

test("a pod's application that knows no patches does not stand for its sidecar", () => {
  const world = new World([services(1), filter(BAD)].join("---"));
  world.connect("a");
  world.connect("a", "grpc");
  world.settle();
  assert.equal(world.told().length, 1);
  assert.equal(world.told().length, 1);
});

test("when the proxy that refused it leaves, it is told of another, and of none when all have left", () => {
  const world = new World([services(3), filter(BAD)].join("---"));
  world.connect("a");
  world.connect("b");
  world.settle();
  assert.equal(world.rejections, 3, "they share what they have");
  const [told] = world.told();
  world.disconnect(told?.startsWith("default/a") ? "a" : "b");
  const [left = "", ...others] = world.told();
  assert.deepEqual(others, []);
  assert.notEqual(left, told);
  world.disconnect("a");
  world.disconnect("b");
  assert.deepEqual(world.told(), []);
  world.connect("a");
  assert.equal(world.clusters("a").length, 3, "what comes back is not asked again");
  assert.deepEqual(world.told(), [
    `default/a EnvoyFilter default/f spec.configPatches[0] ${FIRST}`,
  ]);
});

test("what is no longer left out is forgotten, so that it is tried again", () => {
  const world = new World([services(3), filter(BAD)].join("---"));
  world.connect("a");
  world.settle();
  apply(world.model, filter(GOOD));
  assert.deepEqual(world.told(), []);
  assert.equal(world.remembered, 0);
  apply(world.model, filter(BAD));
  assert.equal(world.clusters("a").length, 0);
  world.settle();
  remove(world.model, filter());
  assert.deepEqual(world.told(), []);
  assert.equal(world.remembered, 0);
});

test("versions that are over are forgotten while others of the same name are refused", () => {
  const world = new World([services(3), filter(BAD)].join("---"));
  world.connect("a");
  for (let i = 1; i < 5; i += 1) {
    apply(
      world.model,
      `{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: d}, spec: {host: s0, trafficPolicy: {connectionPool: {tcp: {maxConnections: ${i}}}}}}`,
    );
    world.settle();
    assert.equal(world.told().length, 1);
    assert.equal(world.remembered, 3);
  }
});

test("a patch is told of where it stands now", () => {
  const world = new World([services(1), filter(BAD)].join("---"));
  world.connect("a");
  world.settle();
  apply(world.model, filter(ELSEWHERE, BAD));
  assert.deepEqual(world.told(), [
    `default/a EnvoyFilter default/f spec.configPatches[1] ${FIRST}`,
  ]);
  assert.equal(world.clusters("a").length, 1);
});

test("what is added and refused is not there, and told of", () => {
  const world = new World([services(1), filter(ADDED)].join("---"));
  world.connect("a");
  world.settle();
  assert.deepEqual(world.told(), [
    "default/a EnvoyFilter default/f spec.configPatches[0] Cluster mine",
  ]);
  assert.equal(world.rejections, 1);
  apply(world.model, filter(ELSEWHERE));
  assert.deepEqual(world.told(), []);
  assert.equal(world.remembered, 0);
});
