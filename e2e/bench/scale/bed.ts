/** The real parts around a measurement: API server, control plane, load generator. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import type { KubeObject } from "../../../src/api/object.ts";
import { createRoot } from "../../../src/ca/root.ts";
import type { Client } from "../../../src/kube/client.ts";
import { ApiServer } from "../../harness/api-server.ts";
import { waitFor } from "../../harness/wait.ts";
import type { Command, Report } from "./load.ts";
import * as world from "./world.ts";

const CRDS = join(import.meta.dirname, "../../../crds/istio");
const PORTS = { xds: 25_012, webhook: 25_017, monitoring: 25_014 } as const;
const MANAGER = "bench";
const PARALLEL = 24;

export class Bed {
  readonly api: ApiServer;
  readonly client: Client;
  readonly #directory = mkdtempSync(join(tmpdir(), "bench-scale-"));
  readonly #reports: Report[] = [];
  #controlPlane: ChildProcess | undefined;
  #load: ChildProcess | undefined;
  #root = "";

  private constructor(api: ApiServer) {
    this.api = api;
    this.client = api.client();
  }

  static async make(size: world.Size): Promise<Bed> {
    const bed = new Bed(await ApiServer.start());
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
    this.#controlPlane = spawn(process.execPath, [...flags, script, ...ports], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: "inherit",
    });
    await waitFor({ description: "control plane that is ready", deadlineMs: 60_000 }, async () => {
      const answer = await fetch(`http://127.0.0.1:${PORTS.monitoring}/readyz`);
      return answer.ok;
    });
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
      address: `127.0.0.1:${PORTS.xds}`,
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

  #send(command: Command): void {
    this.#load?.send(command);
  }

  async #fill({ services, routed, endpoints, proxies }: world.Size): Promise<void> {
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
    await this.#applyAll(every(services, (index) => world.endpointSlice(index, endpoints)));
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

  /** A token bound to each proxy's pod, as the kubelet projects it. */
  async #tokens(count: number): Promise<string[]> {
    const token = async (index: number): Promise<string> => {
      const pod = world.proxyPod(index).metadata;
      const live = (await this.client.request({
        doing: `read pod ${pod.name}`,
        method: "GET",
        path: `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`,
      })) as KubeObject;
      const answer = (await this.client.request({
        doing: `create a token for pod ${pod.name}`,
        method: "POST",
        path: `/api/v1/namespaces/${pod.namespace}/serviceaccounts/default/token`,
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: {
            audiences: ["istio-ca"],
            boundObjectRef: {
              apiVersion: "v1",
              kind: "Pod",
              name: pod.name,
              uid: live.metadata.uid,
            },
          },
        },
      })) as { readonly status: { readonly token: string } };
      return answer.status.token;
    };
    const tokens: string[] = [];
    for (let from = 0; from < count; from += PARALLEL)
      tokens.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(PARALLEL, count - from) }, (_, i) => token(from + i)),
        )),
      );
    return tokens;
  }
}
