/** The real parts around a measurement: API server, control plane, load generator. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import type { ProxySync } from "../../../src/ads/sync-state.ts";
import type { KubeObject } from "../../../src/api/object.ts";
import { createRoot } from "../../../src/ca/root.ts";
import { NODE_OPTIONS } from "../../../src/install/control-plane.ts";
import type { Client } from "../../../src/kube/client.ts";
import { ApiServer } from "../../harness/api-server.ts";
import { waitFor } from "../../harness/wait.ts";
import type { Command, Report } from "./load.ts";
import * as world from "./world.ts";

const CRDS = join(import.meta.dirname, "../../../crds/istio");
export const PORTS = { xds: 25_012, webhook: 25_017, monitoring: 25_014 } as const;
const MANAGER = "bench";
const PARALLEL = 24;

export class Bed {
  readonly api: ApiServer;
  readonly client: Client;
  readonly #directory = mkdtempSync(join(tmpdir(), "bench-scale-"));
  readonly #reports: Report[] = [];
  #controlPlane: ChildProcess | undefined;
  #load: ChildProcess | undefined;
  readonly #host: string;
  #root = "";

  private constructor(api: ApiServer, host: string) {
    this.api = api;
    this.#host = host;
    this.client = api.client();
  }

  /** @param host an address of this machine on which the control plane listens */
  static async make(size: world.Size, host = "127.0.0.1"): Promise<Bed> {
    const bed = new Bed(await ApiServer.start(), host);
    await bed.#fill(size);
    return bed;
  }

  get controlPlanePid(): number {
    return this.#controlPlane?.pid ?? 0;
  }

  apply(object: KubeObject): Promise<unknown> {
    return this.client.apply(object, { manager: MANAGER, force: true });
  }

  /** A new control plane; `profile` makes it write a CPU profile when it ends. */
  async startControlPlane(profile: string | undefined): Promise<void> {
    const kubeconfig = join(this.#directory, "kubeconfig");
    writeFileSync(kubeconfig, this.api.config().exportConfig(), { mode: 0o600 });
    const flags = profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [];
    const script = join(import.meta.dirname, "control-plane.ts");
    const ports = [PORTS.xds, PORTS.webhook, PORTS.monitoring].map(String);
    this.#controlPlane = spawn(process.execPath, [...flags, script, this.#host, ...ports], {
      env: { ...process.env, KUBECONFIG: kubeconfig, NODE_OPTIONS },
      stdio: "inherit",
    });
    await waitFor({ description: "control plane that is ready", deadlineMs: 60_000 }, async () => {
      const answer = await fetch(this.#page("/readyz"));
      return answer.ok;
    });
  }

  /** Waits until the statuses of so many objects are written. @returns how many writes it were */
  async statusesWritten(count: number): Promise<number> {
    return waitFor({ description: `${count} statuses`, deadlineMs: 180_000 }, async () => {
      const metrics = await (await fetch(this.#page("/metrics"))).text();
      const writes = metrics.matchAll(/^meshwright_status_writes_total\{.*\} (\d+)$/gm);
      const sum = [...writes].reduce((all, [, one]) => all + Number(one), 0);
      return sum >= count ? sum : undefined;
    });
  }

  /** How proxies stand, as the control plane tells it. */
  async syncs(): Promise<readonly ProxySync[]> {
    return (await (await fetch(this.#page("/debug/syncz"))).json()) as readonly ProxySync[];
  }

  /** What a proxy of the world mounts: its token, and whom it trusts. */
  async credentials(index: number): Promise<{ readonly token: string; readonly root: string }> {
    return { token: await this.#token(index), root: this.#root };
  }

  /** Opens the proxies and waits until all of them are configured. */
  async openProxies(count: number): Promise<Extract<Report, { kind: "configured" }>> {
    const tokens = await this.#tokens(count);
    const rootFile = join(this.#directory, "root.pem");
    writeFileSync(rootFile, this.#root);
    this.#load = fork(join(import.meta.dirname, "load.ts"), { stdio: "inherit" });
    this.#load.on("message", (report: Report) => this.#reports.push(report));
    this.#send({
      kind: "open",
      address: `${this.#host}:${PORTS.xds}`,
      serverName: "meshwright-control-plane.mesh-system.svc",
      rootFile,
      tokens,
    });
    return this.next("configured");
  }

  expect(type: Extract<Command, { kind: "expect" }>["type"], text: string): void {
    this.#send({ kind: "expect", type, text });
  }

  async receivedBytes(): Promise<readonly number[]> {
    this.#send({ kind: "received" });
    return (await this.next("received")).bytes;
  }

  /** The load generator's next report of a kind. A stream that ended is a failure of any wait. */
  async next<K extends Report["kind"]>(kind: K): Promise<Extract<Report, { kind: K }>> {
    return waitFor(
      { description: `report "${kind}" of the load generator`, deadlineMs: 180_000, intervalMs: 5 },
      () => {
        const index = this.#reports.findIndex((report) => report.kind === kind);
        if (index >= 0) return this.#reports.splice(index, 1)[0] as Extract<Report, { kind: K }>;
        const ended = this.#reports.find((report) => report.kind === "ended");
        if (ended !== undefined) throw new Error(`${ended.proxy}: ${ended.error}`);
        return undefined;
      },
    );
  }

  async stop(): Promise<void> {
    for (const child of [this.#load, this.#controlPlane]) {
      if (child === undefined || child.exitCode !== null) continue;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    this.client.close();
    await this.api.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #page(path: string): string {
    return `http://${this.#host}:${PORTS.monitoring}${path}`;
  }

  #send(command: Command): void {
    this.#load?.send(command);
  }

  async #fill(size: world.Size): Promise<void> {
    const { services, routed, proxies, mtls } = size;
    await this.#applyAll(
      readdirSync(CRDS)
        .filter((name) => name.endsWith(".yaml"))
        .map((name) => parse(readFileSync(join(CRDS, name), "utf8")) as KubeObject),
    );
    await this.#applyAll([
      ...world.namespaces(),
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "mesh-system" } },
    ]);
    await this.apply(await this.#cacerts());
    const every = <T>(count: number, make: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, index) => make(index));
    await this.#applyAll(every(services, world.service));
    await this.#applyAll(every(services, (index) => world.endpointSlice(index, size)));
    await waitFor({ description: "kinds of the Istio API", deadlineMs: 30_000 }, () =>
      this.apply(world.destinationRule(0)).then(() => true),
    );
    await this.#applyAll(every(routed, world.destinationRule));
    await this.#applyAll(every(routed, (index) => world.virtualService(index, "0")));
    await this.#applyAll(
      world.NAMESPACES.map((namespace) => ({
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "default", namespace },
      })),
    );
    await this.#applyAll(every(proxies, world.proxyPod));
    if (mtls)
      await this.#applyAll(every(services, (index) => world.serverPods(index, size)).flat());
  }

  async #cacerts(): Promise<KubeObject & { readonly stringData: object }> {
    const options = { trustDomain: "cluster.local", now: new Date(), ttlMs: 10 * 24 * 3_600_000 };
    const files = await createRoot(options);
    this.#root = files["root-cert.pem"];
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cacerts", namespace: "mesh-system" },
      stringData: files,
    };
  }

  async #applyAll(objects: readonly KubeObject[]): Promise<void> {
    const queue = [...objects];
    const worker = async (): Promise<void> => {
      for (let object = queue.pop(); object !== undefined; object = queue.pop())
        await this.apply(object);
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
  }

  async #tokens(count: number): Promise<string[]> {
    const tokens: string[] = [];
    for (let from = 0; from < count; from += PARALLEL)
      tokens.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(PARALLEL, count - from) }, (_, i) => this.#token(from + i)),
        )),
      );
    return tokens;
  }

  /** A token bound to a proxy's pod, as the kubelet projects it. */
  async #token(index: number): Promise<string> {
    const pod = world.proxyPod(index).metadata;
    const live = (await this.client.request({
      doing: `read pod ${pod.name}`,
      method: "GET",
      path: `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`,
    })) as KubeObject;
    const { name } = pod;
    const answer = (await this.client.request({
      doing: `create a token for pod ${name}`,
      method: "POST",
      path: `/api/v1/namespaces/${pod.namespace}/serviceaccounts/default/token`,
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          audiences: ["istio-ca"],
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid: live.metadata.uid },
        },
      },
    })) as { readonly status: { readonly token: string } };
    return answer.status.token;
  }
}
