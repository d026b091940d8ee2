/** Names that users write and Envoy must know: a release that drops one is seen here. */
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { LOG_COMPONENTS, LOG_LEVELS } from "../../src/xds/log-levels.ts";
import { envoyBinary } from "../harness/tools.ts";

const run = promisify(execFile);

const validate = async (...args: readonly string[]): Promise<void> => {
  await run(await envoyBinary(), ["--mode", "validate", "--config-yaml", "{}", ...args]);
};

test("Envoy knows every component and every level of its log", async () => {
  const levels = LOG_COMPONENTS.map(
    (component, i) => `${component}:${LOG_LEVELS[i % LOG_LEVELS.length]}`,
  );
  await validate("--component-log-level", levels.join(","));
});
