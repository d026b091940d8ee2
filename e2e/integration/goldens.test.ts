import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { Configuration } from "../../src/xds/testing/configuration.ts";
import { meshSecrets } from "../golden/secrets.ts";
import { staticBootstrap } from "../golden/static.ts";
import { envoyBinary } from "../harness/tools.ts";

const TESTDATA = join(import.meta.dirname, "../../testdata");
const goldens = globSync(join(TESTDATA, "*/xds/*.yaml")).sort();
if (goldens.length === 0)
  throw new Error(`no goldens in ${TESTDATA}: this test would pass by testing nothing`);

const run = promisify(execFile);
const envoy = await envoyBinary();
const secrets = await (await meshSecrets()).of("spiffe://cluster.local/ns/default/sa/golden");

for (const file of goldens)
  test(`Envoy accepts ${relative(TESTDATA, file)}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "golden-"));
    try {
      const bootstrap = join(directory, "bootstrap.json");
      const configuration = parse(readFileSync(file, "utf8")) as Configuration;
      writeFileSync(bootstrap, JSON.stringify(staticBootstrap(configuration, secrets)));
      await run(envoy, ["--mode", "validate", "--log-level", "error", "--config-path", bootstrap]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
