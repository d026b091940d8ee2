/** A stock Envoy on loopback, configured by an ADS server of the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../harness/ports.ts";
import { envoyBinary } from "../harness/tools.ts";
import { waitFor } from "../harness/wait.ts";

const DEADLINE_MS = 15_000;

export interface EnvoyOptions {
  /** Port of the ADS server on 127.0.0.1; plain text unless `ads` says how to reach it. */
  readonly adsPort: number;
  /** A bootstrap cluster to put in the place of the plain one; named `xds`. */
  readonly adsCluster?: object;
  /** Delta unless said otherwise. */
  readonly api?: "DELTA_GRPC" | "GRPC";
}

export interface RealEnvoy {
  admin(path: string): Promise<string>;
  /** Names of clusters that are warm, or of those still warming. */
  clusters(state?: "active" | "warming"): Promise<readonly string[]>;
  listeners(state?: "active" | "warming"): Promise<readonly string[]>;
  stat(name: string): Promise<number>;
  log(): Promise<string>;
  stop(): Promise<void>;
}

export async function startEnvoy(options: EnvoyOptions): Promise<RealEnvoy> {
  const dir = await mkdtemp(join(tmpdir(), "meshwright-envoy-"));
  const [adminPort, binary] = await Promise.all([freePort(), envoyBinary()]);
  await writeFile(join(dir, "bootstrap.json"), JSON.stringify(bootstrapOf(options, adminPort)));
  const logFile = join(dir, "envoy.log");
  const child = spawn(
    binary,
    [
      ["-c", join(dir, "bootstrap.json")],
      ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "info"],
      ["--component-log-level", "config:debug,upstream:info"],
      ["--drain-time-s", "1", "--parent-shutdown-time-s", "2"],
    ].flat(),
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const log = createWriteStream(logFile);
  child.stdout.pipe(log);
  child.stderr.pipe(log);

  const admin = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`);
    return response.text();
  };
  await waitFor(
    { description: "answer of Envoy's admin port", deadlineMs: DEADLINE_MS, intervalMs: 20 },
    () => admin("/server_info"),
  );
  return {
    admin,
    clusters: async (state = "active") =>
      (
        await dump(
          admin,
          state === "active" ? "dynamic_active_clusters" : "dynamic_warming_clusters",
        )
      ).map(({ cluster }) => cluster?.name ?? ""),
    listeners: async (state = "active") =>
      (await dump(admin, "dynamic_listeners"))
        .filter((one) => one[state === "active" ? "active_state" : "warming_state"] !== undefined)
        .map(({ name }) => name ?? ""),
    stat: async (name) => {
      const found = /: (\d+)/.exec(await admin(`/stats?filter=^${name.replaceAll(".", "\\.")}$`));
      return Number(found?.[1] ?? Number.NaN);
    },
    log: () => readFile(logFile, "utf8"),
    stop: async () => {
      await stop(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface DumpEntry {
  readonly name?: string;
  readonly cluster?: { readonly name?: string };
  readonly active_state?: object;
  readonly warming_state?: object;
}

async function dump(
  admin: (path: string) => Promise<string>,
  resource: string,
): Promise<readonly DumpEntry[]> {
  const { configs = [] } = JSON.parse(await admin(`/config_dump?resource=${resource}`)) as {
    readonly configs?: readonly DumpEntry[];
  };
  return configs;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.kill("SIGKILL");
  await promise;
}

function bootstrapOf(
  { adsPort, adsCluster, api = "DELTA_GRPC" }: EnvoyOptions,
  adminPort: number,
): object {
  const ads = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };
  return {
    node: { id: "test", cluster: "test" },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: adminPort } } },
    dynamic_resources: {
      lds_config: ads,
      cds_config: ads,
      ads_config: {
        api_type: api,
        transport_api_version: "V3",
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: "xds",
              retry_policy: { retry_back_off: { base_interval: "0.1s", max_interval: "0.3s" } },
            },
          },
        ],
      },
    },
    static_resources: { clusters: [adsCluster ?? plainCluster(adsPort)] },
  };
}

const plainCluster = (port: number): object => ({
  name: "xds",
  type: "STATIC",
  connect_timeout: "1s",
  load_assignment: {
    cluster_name: "xds",
    endpoints: [
      {
        lb_endpoints: [
          { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } },
        ],
      },
    ],
  },
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
});
