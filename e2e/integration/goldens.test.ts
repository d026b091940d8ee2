import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import type { Configuration } from "../../src/testing/configuration.ts";
import { acceptedByEnvoy } from "../golden/validate.ts";

const TESTDATA = join(import.meta.dirname, "../../testdata");
/** What gRPC libraries get is nothing for Envoy: grpc-xds.test.ts has them load it. */
const NO_ENVOY = "proxyless-grpc";
const goldens = globSync(join(TESTDATA, "*/xds/*.yaml"))
  .filter((file) => !relative(TESTDATA, file).startsWith(NO_ENVOY))
  .sort();
if (goldens.length === 0)
  throw new Error(`no goldens in ${TESTDATA}: this test would pass by testing nothing`);

for (const file of goldens)
  test(`Envoy accepts ${relative(TESTDATA, file)}`, () =>
    acceptedByEnvoy(parse(readFileSync(file, "utf8")) as Configuration));
