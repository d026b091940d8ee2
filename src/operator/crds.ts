/**
 * The definitions of the Istio API, as the image carries them. This file is also a program: it is
 * run once, to parse them in a process of its own. The parser needs as much memory as all the rest
 * of the operator, and only a process that ends gives it back.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { KubeObject } from "../api/object.ts";
import { MeshError } from "../util/errors.ts";

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** @throws MeshError `MESH0801` if there is no such directory or it holds none: the image is broken */
export async function loadDefinitions(directory: string): Promise<readonly KubeObject[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--max-semi-space-size=1", import.meta.filename, directory],
    { maxBuffer: MAX_OUTPUT_BYTES },
  );
  const definitions = JSON.parse(stdout) as readonly KubeObject[];
  if (definitions.length > 0) return definitions;
  throw new MeshError("MESH0801", `${directory} holds no CustomResourceDefinition`, {
    hint: "run `make setup` before the image is built, or use an image of a release",
  });
}

function parseAll(directory: string): readonly KubeObject[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .map((file) => parse(readFileSync(join(directory, file), "utf8")) as KubeObject);
}

if (import.meta.main) process.stdout.write(JSON.stringify(parseAll(process.argv[2] ?? ".")));
