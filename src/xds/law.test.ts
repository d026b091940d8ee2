/**
 * The law of the engine, held over the whole pipeline: whatever was edited in whatever order, and
 * whoever came and went meanwhile, every scope has byte for byte what it would have in a control
 * plane that had just started, or made for one proxy alone; and what a set says has changed is all that has.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Diagnostic } from "../api/diagnostic.ts";
import type { KubeObject } from "../api/object.ts";
import { createMeshModel, type MeshModel } from "../model/dataflow.ts";
import { SERVED_TYPES } from "../proto/type-url.ts";
import type { Watch } from "../store/engine.ts";
import { translatedFor } from "../testing/configuration.ts";
import { anyObject, type Edit, edit, editsOf, type Objects } from "../testing/edits.ts";
import { edge } from "../testing/edits-gateway.ts";
import { applyAll, SETTINGS } from "../testing/fixtures.ts";
import { encode } from "./encode.ts";
import type { EncodedResource, ResourceSet, ResourceType, Scope, Scopes } from "./resource.ts";
import { createScopes } from "./scopes.ts";
import { translators } from "./translate.ts";
import type { ProxyView } from "./view.ts";

const sidecar = (namespace: string, app: string, version: string, index: number): ProxyView => ({
  kind: "sidecar",
  namespace,
  workload: `${namespace}/${app}-${index}`,
  serviceAccount: app,
  labels: { app, version },
  locality: index === 0 ? "west/north" : "east/south/rack",
  node: `node-${index}`,
});

const gateway = (namespace: string): ProxyView => ({
  kind: "gateway",
  namespace,
  workload: `${namespace}/web-1`,
  serviceAccount: "gateway",
  labels: { istio: "gateway", app: "gateway" },
});

const VIEWS: readonly ProxyView[] = [
  sidecar("one", "web", "v1", 0),
  sidecar("one", "web", "v2", 1),
  sidecar("one", "api", "v1", 0),
  sidecar("two", "web", "v1", 0),
  gateway("one"),
  gateway("two"),
  gateway("mesh-system"),
  { ...sidecar("one", "web", "v1", 0), kind: "grpc" },
];

function scopesOf(model: MeshModel): Scopes {
  return createScopes({
    engine: model.engine,
    mesh: model.mesh,
    translators,
    encode,
    onFault: ({ type, key, error }) => {
      throw new Error(`translating ${type} ${key} failed`, { cause: error });
    },
  });
}

const versions = (set: ResourceSet): ReadonlyMap<string, string> =>
  new Map([...set.resources].map(([name, { version }]) => [name, version]));

const bytes = (set: ResourceSet): object => bytesOf([...set.resources.values()]);

const bytesOf = (resources: readonly EncodedResource[]): object =>
  Object.fromEntries(
    resources
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, bytes: encoded, clusters }) => [
        name,
        { bytes: Buffer.from(encoded).toString("base64"), clusters },
      ]),
  );

/** A proxy: what it was last given, by type, both as a set and as a copy that nobody can change. */
class Client {
  readonly scope: Scope;
  readonly #lease: ReturnType<Scopes["acquire"]>;
  readonly #had = new Map<ResourceType, { set: ResourceSet; copy: ReadonlyMap<string, string> }>();

  constructor(lease: ReturnType<Scopes["acquire"]>) {
    this.scope = lease.scope;
    this.#lease = lease;
  }

  release(): void {
    this.#lease.release();
  }

  /** Takes what is new, and checks that it was told of all of it. */
  pull(): void {
    for (const type of SERVED_TYPES) {
      const set = this.scope.of(type);
      const copy = versions(set);
      const had = this.#had.get(type);
      if (had !== undefined) this.#check(had, { set, copy });
      this.#had.set(type, { set, copy });
    }
  }

  #check(
    before: { set: ResourceSet; copy: ReadonlyMap<string, string> },
    now: { set: ResourceSet; copy: ReadonlyMap<string, string> },
  ): void {
    assert.deepEqual(versions(before.set), before.copy, "a set that was given out has changed");
    const names = [...new Set([...before.copy.keys(), ...now.copy.keys()])];
    const changed = names.filter((name) => before.copy.get(name) !== now.copy.get(name));
    if (changed.length > 0) assert.ok(now.set.generation > before.set.generation);
    const told = now.set.changedSince(before.set.generation);
    if (told === undefined) return;
    for (const name of changed) assert.ok(told.has(name), `nobody was told of ${name}`);
  }
}

type Step =
  | { readonly kind: "edits"; readonly edits: readonly Edit[] }
  | { readonly kind: "connect" | "disconnect" | "pull"; readonly view: number };

const editing = (objects: fc.Arbitrary<KubeObject>): fc.Arbitrary<Step> =>
  fc
    .array(editsOf(objects), { minLength: 1, maxLength: 3 })
    .map((edits): Step => ({ kind: "edits", edits }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: editing(anyObject) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("connect" as const, "disconnect" as const, "pull" as const),
      view: fc.nat(VIEWS.length - 1),
    }),
  },
);

class World {
  readonly objects: Objects = new Map();
  readonly model = createMeshModel(SETTINGS);
  readonly #scopes = scopesOf(this.model);
  readonly #clients = new Map<number, Client>();
  readonly #watches = new Map<string, Watch<readonly Diagnostic[]>>();

  take(next: Step): void {
    if (next.kind === "edits") this.#edit(next.edits);
    else if (next.kind === "connect") this.#connect(next.view);
    else if (next.kind === "pull") this.#clients.get(next.view)?.pull();
    else {
      this.#clients.get(next.view)?.release();
      this.#clients.delete(next.view);
    }
  }

  /** Compares every view, whether a proxy has it now or not, with a world that just began. */
  check(): void {
    const model = createMeshModel(SETTINGS);
    applyAll(model, [...this.objects.values()]);
    const fresh = scopesOf(model);
    for (const [i, view] of VIEWS.entries()) {
      this.#connect(i);
      this.#clients.get(i)?.pull();
      const { scope } = fresh.acquire(view);
      const direct = translatedFor(model.mesh(model.engine), view);
      for (const type of SERVED_TYPES) {
        const kept = this.#clients.get(i)?.scope.of(type);
        assert.ok(kept);
        assert.deepEqual(bytes(kept), bytes(scope.of(type)), `${type} of ${view.workload}`);
        const own = direct.filter((one) => one.type === type).map((one) => encode(type, one));
        assert.deepEqual(bytes(kept), bytesOf(own), `${type} made for ${view.workload} alone`);
      }
    }
    for (const id of this.objects.keys())
      assert.deepEqual(this.#findings(id), model.engine.get(model.findings, id), id);
    assert.deepEqual(
      this.model
        .diagnostics()
        .map((d) => JSON.stringify(d))
        .sort(),
      model
        .diagnostics()
        .map((d) => JSON.stringify(d))
        .sort(),
    );
  }

  #edit(edits: readonly Edit[]): void {
    this.model.engine.batch(() => {
      for (const change of edits) edit(this.model, this.objects, change);
    });
    for (const id of this.objects.keys()) this.#findings(id);
  }

  /** As the status writer reads them: each is kept, and looked at again when it may have changed. */
  #findings(id: string): readonly Diagnostic[] {
    const { engine, findings } = this.model;
    const watch = this.#watches.get(id) ?? engine.watch(findings.node(id), () => {});
    this.#watches.set(id, watch);
    return watch.read();
  }

  #connect(index: number): void {
    const view = VIEWS[index];
    if (view === undefined || this.#clients.has(index)) return;
    const client = new Client(this.#scopes.acquire(view));
    client.pull();
    this.#clients.set(index, client);
  }
}

const beginning = fc.array(anyObject, { maxLength: 15 }).map(
  (objects): Step => ({
    kind: "edits",
    edits: objects.map((object) => ({ kind: "upsert", object })),
  }),
);

test("every scope has what it would have in a control plane that just started", () => {
  fc.assert(
    fc.property(beginning, fc.array(step, { maxLength: 25 }), (first, others) => {
      const world = new World();
      for (const next of [first, ...others]) world.take(next);
      world.check();
    }),
    { numRuns: 200 },
  );
});

test("a gateway that stays connected has what one that just came would have", () => {
  const each = (kind: "connect" | "pull"): readonly Step[] =>
    VIEWS.flatMap((one, view) => (one.kind === "gateway" ? [{ kind, view }] : []));
  fc.assert(
    fc.property(fc.array(editing(edge), { maxLength: 10, size: "max" }), (all) => {
      const world = new World();
      const steps = all.flatMap((edits) => [edits, ...each("pull")]);
      for (const next of [...each("connect"), ...steps]) world.take(next);
      world.check();
    }),
    { numRuns: 200 },
  );
});
