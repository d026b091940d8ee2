/** Pods with stock Envoys that run what the translator makes of a mesh, and what its capture sends them. */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createMeshModel, type MeshModel, type ModelSettings } from "../../src/model/dataflow.ts";
import { configurationOf } from "../../src/testing/configuration.ts";
import { applyAll, objects, SETTINGS } from "../../src/testing/fixtures.ts";
import { type DnsCapture, dnsClusters, dnsListeners } from "../../src/xds/bootstrap-dns.ts";
import type { ProxyView } from "../../src/xds/view.ts";
import { type MeshSecrets, meshSecrets } from "../golden/secrets.ts";
import { staticBootstrap } from "../golden/static.ts";
import { checkout } from "../harness/environment.ts";
import { envoyBinary } from "../harness/tools.ts";
import { waitFor } from "../harness/wait.ts";
import { type PodNetwork, podNetwork } from "./pod-network.ts";
import type { Answer, Question, Speaks } from "./translation-app.ts";

export const CAPTURE = join(checkout, "images/proxy/capture");
const APP = join(import.meta.dirname, "translation-app.ts");
const PROXY_GROUP = "1337";
export const ADMIN = "http://127.0.0.1:15000";

export interface World {
  readonly model: MeshModel;
  /** Runs a proxy that is `view` in the mesh of `yaml`, in front of the applications on `ports`. */
  proxy(
    network: PodNetwork,
    view: ProxyView,
    ports: Readonly<Record<string, Speaks>>,
  ): Promise<Pod>;
  /** What a workload of the mesh with the identity shows and trusts. */
  certificateOf(serviceAccount: string): Promise<TlsMaterial>;
}

export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface Pod {
  readonly network: PodNetwork;
  /** From an application in the pod. */
  ask(question: Question): Promise<Answer>;
  /** A statistic of its proxy. */
  stat(name: string): Promise<number>;
}

export interface WorldOptions {
  readonly settings?: Partial<ModelSettings>;
  /** What its proxies find when they look up names: addresses, by name. */
  readonly names?: Readonly<Record<string, string>>;
  /** Has DNS of pods captured. */
  readonly dns?: DnsCapture;
}

export async function startWorld(
  t: TestContext,
  yaml: string,
  { settings = {}, names = {}, dns }: WorldOptions = {},
): Promise<World> {
  const model = createMeshModel({ ...SETTINGS, ...settings });
  applyAll(model, objects(yaml));
  const secrets = await meshSecrets();
  const envoy = await envoyBinary();
  return {
    model,
    certificateOf: async (serviceAccount) =>
      materialOf(await secrets.of(`spiffe://cluster.local/ns/default/sa/${serviceAccount}`)),
    async proxy(network, view, ports) {
      const configuration = configurationOf(model.mesh(model.engine), view);
      await startApps(network, ports);
      const resolvers = dns === undefined ? [] : ["--dns-resolvers", dns.resolvers.join(",")];
      if (view.kind === "sidecar") await network.run(CAPTURE, ...resolvers);
      await startEnvoy(t, network, {
        envoy,
        names,
        bootstrap: {
          ...withDns(staticBootstrap(configuration, await secretsOf(secrets, view)), dns),
          admin: { address: { socketAddress: { address: "127.0.0.1", portValue: 15000 } } },
        },
      });
      return {
        network,
        ask: async (question) =>
          JSON.parse(
            await network.run(process.execPath, APP, "ask", JSON.stringify(question)),
          ) as Answer,
        stat: async (name) => {
          const said = await network.run("curl", "-s", `${ADMIN}/stats?filter=${name}`);
          return Number(/: (\d+)/.exec(said)?.[1] ?? Number.NaN);
        },
      };
    },
  };
}

/** What the bootstrap of a pod whose DNS is captured holds beside the rest. */
function withDns(bootstrap: Readonly<Record<string, unknown>>, dns: DnsCapture | undefined) {
  if (dns === undefined) return bootstrap;
  const { clusters, listeners, ...others } = bootstrap["staticResources"] as Readonly<
    Record<"clusters" | "listeners", readonly unknown[]>
  >;
  const options = { namespace: "mesh-system", clusterDomain: "cluster.local", dns };
  return {
    ...bootstrap,
    staticResources: {
      ...others,
      clusters: [...clusters, ...dnsClusters(options)],
      listeners: [...listeners, ...dnsListeners(options)],
    },
  };
}

/** @throws if the secrets lack a part */
function materialOf(secrets: readonly Record<string, unknown>[]): TlsMaterial {
  const text = JSON.stringify(secrets);
  const inline = (field: string): string => {
    const found = new RegExp(`"${field}":\\{"inlineString":("(?:[^"\\\\]|\\\\.)*")`).exec(
      text,
    )?.[1];
    if (found === undefined) throw new RangeError(`no ${field} among the secrets`);
    return JSON.parse(found) as string;
  };
  return { cert: inline("certificateChain"), key: inline("privateKey"), ca: inline("trustedCa") };
}

const secretsOf = (secrets: MeshSecrets, { namespace, serviceAccount }: ProxyView) =>
  secrets.of(`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`);

async function startApps(network: PodNetwork, ports: Readonly<Record<string, Speaks>>) {
  if (Object.keys(ports).length === 0) return;
  const apps = network.start(process.execPath, [APP, "serve", JSON.stringify(ports)]);
  if (apps.stdout) await once(apps.stdout, "data");
}

interface EnvoyOptions extends Pick<WorldOptions, "names"> {
  readonly envoy: string;
  readonly bootstrap: object;
}

export async function startEnvoy(
  t: TestContext,
  network: PodNetwork,
  { envoy, bootstrap, names = {} }: EnvoyOptions,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "meshwright-translation-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, "bootstrap.json");
  await writeFile(file, JSON.stringify(bootstrap));
  const group = ["--regid", PROXY_GROUP, "--clear-groups"];
  const identity = ["--use-dynamic-base-id", "--concurrency", "1"];
  const hosts = join(directory, "hosts");
  await writeFile(
    hosts,
    Object.entries(names)
      .map(([name, ip]) => `${ip} ${name}\n`)
      .join(""),
  );
  const command = ["setpriv", ...group, envoy, "-c", file, ...identity, "--log-level", "error"];
  // A view of files of its own, in which names are what the test says.
  const inOwnView = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
  network.start("unshare", ["--mount", "sh", "-c", inOwnView, "sh", ...command]);
  const isReady = () =>
    network.run("curl", "-sf", "-m", "1", `${ADMIN}/ready`).then(
      () => true,
      () => false,
    );
  await waitFor({ description: "a ready Envoy", deadlineMs: 15_000, intervalMs: 50 }, isReady);
}

/** Two networks of pods with a link of their own between them; the machine passes nothing on. */
export async function linkedNetworks(t: TestContext): Promise<readonly [PodNetwork, PodNetwork]> {
  const [a, b] = [await podNetwork(t), await podNetwork(t)];
  await a.run("ip", "link", "add", LINK, "type", "veth", "peer", "name", LINK, "netns", b.name);
  await Promise.all([joined(a, b, 1), joined(b, a, 2)]);
  return [a, b];
}

const LINK = "peer0";

/** @param side 1 or 2 */
async function joined(from: PodNetwork, to: PodNetwork, side: 1 | 2): Promise<void> {
  const ip = (...args: readonly string[]) => from.run("ip", ...args);
  await ip("address", "add", `fe80::${side}/64`, "dev", LINK, "nodad");
  // Capture turns what arrives to an address of the interface it arrived on.
  await ip("address", "add", `${from.ip}/32`, "dev", LINK);
  await ip("address", "add", `${from.ip6}/128`, "dev", LINK, "nodad");
  await ip("link", "set", LINK, "up");
  await ip("route", "add", "default", "via", from.outside);
  await ip("route", "add", `${to.ip}/32`, "dev", LINK, "src", from.ip);
  await ip("-6", "route", "add", "default", "via", from.outside6);
  await ip("-6", "route", "add", `${to.ip6}/128`, "via", `fe80::${3 - side}`, "dev", LINK);
}
