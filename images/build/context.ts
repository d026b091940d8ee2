/** The build context of the `meshwright` image with everything made, so that no stage needs a network. */
import { cpSync, existsSync, readFileSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../e2e/cluster/command.ts";
import { checkout } from "./catalog.ts";

interface LockedPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

/** The installed packages that the running program may load. */
export function productionPackages(lock: string): string[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, LockedPackage> };
  return Object.entries(packages)
    .filter(([path, entry]) => path !== "" && entry.dev !== true && entry.devOptional !== true)
    .map(([path]) => path);
}

/** Copies the production packages of this checkout, unless that was done for the same lock. */
async function prepareModules(directory: string): Promise<void> {
  const lock = readFileSync(join(checkout, "package-lock.json"), "utf8");
  const mark = join(directory, "lock");
  if (existsSync(mark) && readFileSync(mark, "utf8") === lock) return;
  await rm(directory, { recursive: true, force: true });
  for (const path of productionPackages(lock)) {
    const from = join(checkout, path);
    // Optional packages of other platforms are not installed.
    if (!existsSync(from)) continue;
    const nested = join(from, "node_modules");
    await mkdir(dirname(join(directory, path)), { recursive: true });
    cpSync(from, join(directory, path), {
      recursive: true,
      filter: (source) => source !== nested,
    });
  }
  await run(["sh", join(checkout, "images/meshwright/prune"), join(directory, "node_modules")]);
  await writeFile(mark, lock);
}

/** What the build reads besides prepared/. Of the sources nothing: they are compiled already. */
const copied = ["package.json", "package-lock.json", "tsconfig.json", "crds", "images/meshwright"];

/** Makes the context and returns where it is. */
export async function preparedContext(directory: string): Promise<string> {
  const compiled = join(directory, "prepared/compiled");
  await rm(compiled, { recursive: true, force: true });
  await mkdir(compiled, { recursive: true });
  const project = join(checkout, "images/meshwright");
  await run(["tsc", "-p", project, "--outDir", join(compiled, "dist")]);
  await prepareModules(join(directory, "prepared/modules"));
  await mkdir(join(directory, "src"), { recursive: true });
  for (const path of copied) {
    await rm(join(directory, path), { recursive: true, force: true });
    await cp(join(checkout, path), join(directory, path), {
      recursive: true,
      preserveTimestamps: true,
    });
  }
  return directory;
}
