/** An operator that dies, two at once, and an API server that is away. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KINDS } from "../../src/api/kinds.ts";
import { CA_SECRET, CACERTS_SECRET, OPERATOR, OPERATOR_NAMESPACE } from "../../src/api/names.ts";
import type { KubeObject } from "../../src/api/object.ts";
import { Client } from "../../src/kube/client.ts";
import type { Request } from "../../src/kube/transport.ts";
import type { MeshOperator } from "../../src/operator/operator.ts";
import { waitFor } from "../harness/wait.ts";
import { meshConfig, OperatorWorld } from "./operator-world.ts";

const NAMESPACE = "mesh-system";
/** Every write of an install and of a removal is a point to die at; each of them takes minutes. */
const STRIDE = Number(process.env["KILL_STRIDE"] ?? 4);
const LEASE_MS = 3_000;
/** How long the API server is away: longer than a Lease lasts. */
const AWAY_MS = 8_000;

const VIRTUAL_SERVICE: KubeObject = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "default" },
  spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
};

/** A client of a process that dies: after so many writes nothing leaves it any more. */
class DyingClient extends Client {
  readonly died: Promise<void>;
  readonly #death = Promise.withResolvers<void>();
  #left: number;
  #isDead = false;

  constructor(config: ConstructorParameters<typeof Client>[0], writes: number) {
    super(config);
    this.#left = writes;
    this.died = this.#death.promise;
  }

  override async text(request: Request, signal?: AbortSignal): Promise<string> {
    if (this.#isDead) return new Promise<string>(() => {});
    const isWrite = request.method !== "GET" && !request.path.includes("/leases");
    if (isWrite && this.#left === 0) {
      this.#isDead = true;
      this.#death.resolve();
      return new Promise<string>(() => {});
    }
    if (isWrite) this.#left -= 1;
    return super.text(request, signal);
  }
}

describe("operator faults", () => {
  let world: OperatorWorld;

  before(async () => {
    world = await OperatorWorld.start(LEASE_MS);
  });

  after(async () => {
    await world?.stop();
  });

  /** What a mesh consists of, without what differs from one install to the next. */
  async function shape(): Promise<Record<string, unknown>> {
    const root = await world.admin.get(KINDS.secret, {
      namespace: NAMESPACE,
      name: CACERTS_SECRET,
    });
    const owned = [...(await world.owned())].map(([name, object]) => [name, content(object)]);
    return Object.fromEntries([...owned, ["root", root?.data?.["root-cert.pem"]]]);
  }

  /** Leaves the cluster as a killed process would: the Lease is held by nobody who lives. */
  async function forgetLease(): Promise<void> {
    await world.admin.remove(KINDS.lease, { namespace: OPERATOR_NAMESPACE, name: OPERATOR });
  }

  test("killed after any write of an install, the next operator finishes it", async (t) => {
    const first = await world.operator();
    await world.admin.create(meshConfig());
    await world.ready();
    const wanted = await shape();
    // A user's object keeps the definitions: to make and unmake those is what takes the API server long.
    await world.admin.create(VIRTUAL_SERVICE);
    await world.remove();
    await first.shutdown();
    let kills = 0;
    for (let writes = 0; ; writes += STRIDE) {
      await world.admin.create(meshConfig());
      const client = new DyingClient(world.server.config("operator"), writes);
      const operator = await world.operator({ client, identity: `dies-after-${writes}` });
      const ended = await Promise.race([
        client.died.then(() => "died"),
        world.ready("default", 60_000).then(() => "installed"),
      ]);
      // Nothing of it gets out any more; in its own process it would be gone.
      void operator.shutdown();
      await forgetLease();
      const next = await world.operator({ identity: `after-${writes}` });
      await world.ready("default", 60_000);
      assert.deepEqual(await shape(), wanted, `killed after ${writes} writes`);
      await world.remove();
      await next.shutdown();
      if (ended === "installed") break;
      kills += 1;
    }
    t.diagnostic(`killed at ${kills} points`);
    assert.ok(kills > 24 / STRIDE, `only ${kills} points`);
  });

  test("killed after any write of a removal, the next operator finishes it", async (t) => {
    let kills = 0;
    for (let writes = 0; ; writes += STRIDE) {
      const installer = await world.operator();
      await world.admin.create(meshConfig());
      await world.ready("default", 60_000);
      await installer.shutdown();
      const client = new DyingClient(world.server.config("operator"), writes);
      const operator = await world.operator({ client, identity: `dies-after-${writes}` });
      const removed = world.remove().then(() => "removed");
      const ended = await Promise.race([client.died.then(() => "died"), removed]);
      void operator.shutdown();
      await forgetLease();
      const next = await world.operator({ identity: `after-${writes}` });
      await removed;
      const left = [...(await world.owned()).keys()].filter((name) => !name.startsWith("Custom"));
      assert.deepEqual(left, [], `killed after ${writes} writes`);
      await next.shutdown();
      if (ended === "removed") break;
      kills += 1;
    }
    t.diagnostic(`killed at ${kills} points`);
    assert.ok(kills > 14 / STRIDE, `only ${kills} points`);
  });

  describe("with a mesh", () => {
    let operator: MeshOperator;
    let standby: MeshOperator;

    before(async () => {
      operator = await world.operator({ identity: "one" });
      await world.admin.create(meshConfig());
      await world.ready("default", 60_000);
      standby = await world.operator({ identity: "two" });
    });

    after(async () => {
      await operator?.shutdown();
      await standby?.shutdown();
    });

    const holder = async (): Promise<string | undefined> =>
      (await world.admin.get(KINDS.lease, { namespace: OPERATOR_NAMESPACE, name: OPERATOR }))?.spec
        ?.holderIdentity;

    async function mended(what: string): Promise<number> {
      const ref = { namespace: NAMESPACE, name: "meshwright-control-plane" };
      const start = performance.now();
      await waitFor(
        { description: what, deadlineMs: 60_000, intervalMs: 20 },
        async () => (await world.admin.get(KINDS.service, ref)) !== undefined,
      );
      return performance.now() - start;
    }

    test("the API server is away: nobody exits, and what changed meanwhile is mended", async (t) => {
      await world.server.kill();
      await waitFor(
        { description: "operators that know", deadlineMs: 30_000 },
        async () => !operator.isHealthy() && !standby.isHealthy(),
      );
      const away = performance.now();
      await waitFor(
        { description: "the time it is away", deadlineMs: AWAY_MS + 1_000 },
        async () => performance.now() - away > AWAY_MS,
      );
      await world.server.resume();
      // While nobody watched.
      await world.admin.remove(KINDS.service, {
        namespace: NAMESPACE,
        name: "meshwright-control-plane",
      });
      const ms = await mended("the Service again");
      t.diagnostic(`mended ${ms.toFixed(0)} ms after the API server was back`);
      await waitFor(
        { description: "healthy watches", deadlineMs: 60_000 },
        async () => operator.isHealthy() && standby.isHealthy(),
      );
      await world.ready();
    });

    test("of two replicas one works, and the other takes over at once when it leaves", async (t) => {
      const leader = await waitFor({ description: "a leader", deadlineMs: 20_000 }, holder);
      const [leaving, staying] = leader === "one" ? [operator, standby] : [standby, operator];
      await leaving.shutdown();
      const start = performance.now();
      await waitFor(
        { description: "another leader", deadlineMs: 10_000, intervalMs: 20 },
        async () => {
          const now = await holder();
          return now !== undefined && now !== "" && now !== leader;
        },
      );
      t.diagnostic(`after ${(performance.now() - start).toFixed(0)} ms`);
      await world.admin.remove(KINDS.service, {
        namespace: NAMESPACE,
        name: "meshwright-control-plane",
      });
      await mended("the Service from the new leader");
      await staying.shutdown();
      [operator, standby] = [
        await world.operator({ identity: "one" }),
        await world.operator({ identity: "two" }),
      ];
    });

    test("the master of the root is in the operator's namespace and carries no mesh's name", async () => {
      const master = await world.admin.get(KINDS.secret, {
        namespace: OPERATOR_NAMESPACE,
        name: CA_SECRET,
      });
      assert.equal(master?.metadata.labels?.["meshwright.dev/mesh"], undefined);
    });
  });
});

function content({ metadata, ...object }: KubeObject): unknown {
  const { status: _, spec, ...rest } = object;
  const {
    clusterIP: __,
    clusterIPs: ___,
    ports: ____,
    ...settled
  } = (spec ?? {}) as Record<string, unknown>;
  return { ...rest, spec: settled, labels: metadata.labels, annotations: metadata.annotations };
}
