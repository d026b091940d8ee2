import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Configuration } from "../../src/testing/configuration.ts";
import { envoyBinary } from "../harness/tools.ts";
import { meshSecrets } from "./secrets.ts";
import { staticBootstrap } from "./static.ts";

const run = promisify(execFile);
const secrets = (await meshSecrets()).of("spiffe://cluster.local/ns/default/sa/golden");

/**
 * Has the real Envoy load a configuration.
 *
 * @throws what Envoy says of it, if it refuses
 */
export async function acceptedByEnvoy(configuration: Configuration): Promise<void> {
  const [envoy, given] = await Promise.all([envoyBinary(), secrets]);
  const directory = await mkdtemp(join(tmpdir(), "meshwright-golden-"));
  try {
    const file = join(directory, "bootstrap.json");
    await writeFile(file, JSON.stringify(staticBootstrap(configuration, given)));
    await run(envoy, ["--mode", "validate", "--log-level", "error", "--config-path", file]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
