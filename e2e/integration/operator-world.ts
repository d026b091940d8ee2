/** A cluster for the operator: real API server, its own permissions, and somebody who plays the kubelet. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import type { Condition } from "../../src/api/conditions.ts";
import type { Deployment, Service } from "../../src/api/gen/kubernetes.ts";
import { KINDS, type Live, type MeshConfig, pathOf } from "../../src/api/kinds.ts";
import { MANAGED_BY, MANAGER } from "../../src/api/labels.ts";
import type { KubeObject } from "../../src/api/object.ts";
import type { Client } from "../../src/kube/client.ts";
import { isApiError } from "../../src/kube/error.ts";
import { meshFaults } from "../../src/model/istio/mesh-config.ts";
import { loadDefinitions } from "../../src/operator/crds.ts";
import { MeshOperator } from "../../src/operator/operator.ts";
import type { Probes } from "../../src/operator/probes.ts";
import { createLog, type Log, silent } from "../../src/util/log.ts";
import { ApiServer } from "../harness/api-server.ts";
import { waitFor } from "../harness/wait.ts";

const ROOT = join(import.meta.dirname, "../..");
const RUNTIME = ["Deployment", "PodDisruptionBudget"];

/** `OPERATOR_LOG=debug` shows what it does. */
const LOG: Log = process.env["OPERATOR_LOG"]
  ? createLog({ component: "operator", level: "debug", format: "text" })
  : silent;

export const CATALOGUE = {
  version: "0.1.0",
  image: "meshwright.local/meshwright:0.1.0",
  proxyImage: "meshwright.local/meshwright-proxy:0.1.0",
} as const;

/** No network leads from here to a pod: what would be asked of one is taken as answered. */
export const WORKING: Probes = {
  xds: async () => undefined,
  injection: async () => undefined,
};

export const meshConfig = (spec: object = {}, name = "default"): MeshConfig => ({
  apiVersion: "meshwright.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name },
  spec,
});

export const conditionOf = (mesh: MeshConfig | undefined, type: string): Condition | undefined =>
  mesh?.status?.conditions?.find((one) => one.type === type);

export class OperatorWorld {
  readonly server: ApiServer;
  readonly admin: Client;
  readonly #definitions: readonly KubeObject[];
  readonly #leaseDurationMs: number;
  readonly #kubelet = new AbortController();
  readonly #playing: Promise<void>;

  private constructor(
    server: ApiServer,
    given: { readonly definitions: readonly KubeObject[]; readonly leaseDurationMs: number },
  ) {
    this.server = server;
    this.admin = server.client();
    this.#definitions = given.definitions;
    this.#leaseDurationMs = given.leaseDurationMs;
    this.#playing = this.#playKubelet();
  }

  /** @param leaseDurationMs how long the Lease of an operator that was killed lasts; a short one is lost by a stall */
  static async start(leaseDurationMs = 15_000): Promise<OperatorWorld> {
    const server = await ApiServer.start();
    const world = new OperatorWorld(server, {
      definitions: await loadDefinitions(join(ROOT, "crds/istio")),
      leaseDurationMs,
    });
    const manifest = readFileSync(join(ROOT, "manifests/operator.yaml"), "utf8");
    for (const document of parseAllDocuments(manifest)) {
      const object = document.toJS() as KubeObject;
      if (!RUNTIME.includes(object.kind))
        await world.admin.apply(object, { manager: "test", force: true });
    }
    await waitFor({ description: "kind MeshConfig", deadlineMs: 20_000 }, async () => {
      await world.admin.list(KINDS.meshConfig);
      return true;
    });
    return world;
  }

  /** As it runs in its pod, with the permissions of its manifest and not one more. */
  async operator(
    options: {
      readonly client?: Client;
      readonly probes?: Probes;
      readonly identity?: string;
      readonly log?: Log;
    } = {},
  ): Promise<MeshOperator> {
    const operator = new MeshOperator({
      log: LOG,
      catalogue: CATALOGUE,
      crds: this.#definitions,
      faultsOf: meshFaults,
      identity: "test",
      config: this.server.config("operator"),
      probes: WORKING,
      leaseDurationMs: this.#leaseDurationMs,
      ...options,
    });
    await operator.start();
    return operator;
  }

  mesh(name = "default"): Promise<MeshConfig | undefined> {
    return this.admin.get(KINDS.meshConfig, { name });
  }

  async ready(name = "default", deadlineMs = 30_000): Promise<MeshConfig> {
    return waitFor(
      { description: `MeshConfig ${name} with Ready=True`, deadlineMs, intervalMs: 25 },
      async () => {
        const mesh = await this.mesh(name);
        const ready = conditionOf(mesh, "Ready");
        if (
          ready?.status === "True" &&
          mesh?.status?.observedGeneration === mesh?.metadata.generation
        )
          return mesh;
        throw new Error(JSON.stringify(mesh?.status ?? "no status"));
      },
    );
  }

  /** Deletes the MeshConfig and waits until its finalizer let go. */
  async remove(name = "default"): Promise<void> {
    await this.admin.remove(KINDS.meshConfig, { name });
    await waitFor(
      { description: `end of MeshConfig ${name}`, deadlineMs: 20_000, intervalMs: 25 },
      async () => {
        const mesh = await this.mesh(name);
        if (mesh === undefined) return true;
        throw new Error(JSON.stringify(mesh.status));
      },
    );
    await this.#endNamespaces();
  }

  /** Everything that the operator made and that still exists, by `Kind namespace/name`. */
  async owned(mesh = "default"): Promise<ReadonlyMap<string, KubeObject>> {
    const found = new Map<string, KubeObject>();
    for (const kind of Object.values(KINDS)) {
      if (kind.group.endsWith("istio.io")) continue;
      const labelSelector = `${MANAGED_BY}=${MANAGER},meshwright.dev/mesh=${mesh}`;
      for (const object of await this.#list(kind, labelSelector))
        found.set(
          `${kind.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`,
          object,
        );
    }
    return found;
  }

  async stop(): Promise<void> {
    this.#kubelet.abort();
    await this.#playing;
    this.admin.close();
    await this.server.stop();
  }

  async #list(
    kind: (typeof KINDS)[keyof typeof KINDS],
    labelSelector: string,
  ): Promise<readonly KubeObject[]> {
    try {
      return await this.admin.list<KubeObject>(kind, { labelSelector });
    } catch (error) {
      if (isApiError(error, 404)) return [];
      throw error;
    }
  }

  /** What a controller manager does to a namespace that is deleted: empties it and lets it go. */
  async #endNamespaces(): Promise<void> {
    for (const namespace of await this.admin.list(KINDS.namespace)) {
      if (namespace.metadata.deletionTimestamp === undefined) continue;
      const { name } = namespace.metadata;
      for (const kind of [KINDS.configMap, KINDS.roleBinding, KINDS.secret] as const)
        for (const { metadata } of await this.admin.list<KubeObject>(kind, { namespace: name }))
          await this.admin.remove(kind, metadata);
      await this.admin.request({
        doing: `finalize Namespace ${name}`,
        method: "PUT",
        path: `${pathOf(KINDS.namespace)}/${name}/finalize`,
        body: { ...namespace, spec: { finalizers: [] } },
      });
    }
  }

  /** Deployments roll out at once and load balancers have an address: the API's contract, no more. */
  async #playKubelet(): Promise<void> {
    const { signal } = this.#kubelet;
    while (!signal.aborted) {
      try {
        await this.#step();
      } catch (error) {
        // The API server is away in some tests.
        if (!isApiError(error)) throw error;
      }
      await delay(20, undefined, { signal }).catch(() => {});
    }
  }

  async #step(): Promise<void> {
    const labelSelector = `${MANAGED_BY}=${MANAGER}`;
    for (const deployment of await this.admin.list(KINDS.deployment, { labelSelector }))
      await this.#rollOut(deployment);
    for (const service of await this.admin.list(KINDS.service, { labelSelector }))
      await this.#assign(service);
  }

  async #rollOut(deployment: Live<Deployment>): Promise<void> {
    const { generation = 1 } = deployment.metadata;
    if (deployment.status?.observedGeneration === generation) return;
    const replicas = deployment.spec?.replicas ?? 1;
    await this.#status(deployment, {
      observedGeneration: generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    });
  }

  async #assign(service: Live<Service>): Promise<void> {
    if (service.spec?.type !== "LoadBalancer" || service.status?.loadBalancer?.ingress) return;
    await this.#status(service, { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } });
  }

  async #status(object: KubeObject, status: object): Promise<void> {
    const kind = object.kind === "Deployment" ? KINDS.deployment : KINDS.service;
    await this.admin.request({
      doing: `set the status of ${object.kind} ${object.metadata.name}`,
      method: "PATCH",
      path: `${pathOf(kind, object.metadata.namespace)}/${object.metadata.name}/status`,
      body: { status },
      contentType: "application/merge-patch+json",
    });
  }
}
