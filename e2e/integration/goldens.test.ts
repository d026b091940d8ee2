import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import type { Configuration } from "../../src/testing/configuration.ts";
import { acceptedByEnvoy } from "../golden/validate.ts";

const TESTDATA = join(import.meta.dirname, "../../testdata");
const goldens = globSync(join(TESTDATA, "*/xds/*.yaml")).sort();
if (goldens.length === 0)
  throw new Error(`no goldens in ${TESTDATA}: this test would pass by testing nothing`);

for (const file of goldens)
  test(`Envoy accepts ${relative(TESTDATA, file)}`, () =>
    acceptedByEnvoy(parse(readFileSync(file, "utf8")) as Configuration));
