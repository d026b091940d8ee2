/** The operator's process: its options from the environment, its health port, its end. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { PORTS } from "../api/names.ts";
import type { Catalogue } from "../install/settings.ts";
import { meshFaults } from "../model/istio/mesh-config.ts";
import { loadDefinitions } from "../operator/crds.ts";
import { MeshOperator } from "../operator/operator.ts";
import { MeshError } from "../util/errors.ts";
import type { Log } from "../util/log.ts";
import { registry } from "../util/metrics.ts";
import { anyAddress } from "./any-address.ts";
import { Monitoring } from "./monitoring.ts";

/** Of the checkout, and of the image. */
const ROOT = join(import.meta.dirname, "../..");
/** So long may the API server be away before we say that we are not ready. */
const PATIENCE_MS = 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs until `signal` aborts, then gives the Lease back and returns. */
export async function runOperator(
  { log, env }: { readonly log: Log; readonly env: Environment },
  signal: AbortSignal,
): Promise<void> {
  const operator = new MeshOperator({
    log,
    catalogue: await catalogueOf(env),
    crds: await loadDefinitions(join(ROOT, "crds/istio")),
    faultsOf: meshFaults,
    identity: env["POD_NAME"] ?? hostname(),
  });
  let healthyAt = performance.now();
  const isReady = (): boolean => {
    if (operator.isHealthy()) healthyAt = performance.now();
    return performance.now() - healthyAt < PATIENCE_MS && operator.isSynced();
  };
  const monitoring = new Monitoring({
    "/healthz": () => ({ body: "ok\n" }),
    "/readyz": () => (isReady() ? { body: "ok\n" } : { status: 503, body: "not yet\n" }),
    "/metrics": async () => ({ body: await registry.metrics(), type: registry.contentType }),
  });
  await monitoring.listen(PORTS.monitoring, anyAddress());
  await operator.start();
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await operator.shutdown();
  monitoring.close();
}

/** What this release installs: its own version, and the images that its manifest names. */
async function catalogueOf(env: Environment): Promise<Catalogue> {
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    readonly version: string;
  };
  return {
    version,
    image: required(env, "MESHWRIGHT_IMAGE"),
    proxyImage: required(env, "MESHWRIGHT_PROXY_IMAGE"),
  };
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value) return value;
  throw new MeshError("MESH0802", `the environment variable ${name} is not set`, {
    hint: "the Deployment in manifests/operator.yaml sets it to the image to install",
  });
}
