import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isTest } from "./catalog.ts";

/** The files at or below a path, in the same order on every machine. */
function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .filter((below) => !isTest(below))
    .flatMap(filesBelow);
}

/** Whether two sets of sources, with the same extras, are the same: their names, modes and content. */
export function fingerprint(
  root: string,
  sources: readonly string[],
  extras: readonly string[],
): string {
  const hash = createHash("sha256").update(JSON.stringify(extras));
  for (const file of sources.flatMap((source) => filesBelow(join(root, source)))) {
    const content = readFileSync(file);
    hash.update(`${file.slice(root.length)} ${statSync(file).mode} ${content.length}\n`);
    hash.update(content);
  }
  return hash.digest("hex");
}
