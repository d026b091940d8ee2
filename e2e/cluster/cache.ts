import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { withLock } from "./lock.ts";

/** What was built or downloaded once for every checkout on this machine. */
export const cacheRoot = process.env["MESHWRIGHT_CACHE"] ?? join(homedir(), ".cache", "meshwright");

export interface Artifact {
  readonly name: string;
  /** Whatever the content depends on; another version never replaces this one. */
  readonly version: string;
  /** Puts the files into an empty directory. */
  readonly make: (directory: string) => Promise<void>;
}

export const artifactDirectory = (artifact: Pick<Artifact, "name" | "version">): string =>
  join(cacheRoot, artifact.name, artifact.version);

/**
 * The directory of an artifact, made if it is missing. Two checkouts may ask at once: one makes it,
 * the other waits. It appears whole or not at all.
 */
export async function cached(artifact: Artifact): Promise<string> {
  const directory = artifactDirectory(artifact);
  if (existsSync(directory)) return directory;
  return withLock(`${directory}.lock`, async () => {
    if (existsSync(directory)) return directory;
    const draft = `${directory}.${randomUUID()}`;
    try {
      await mkdir(draft, { recursive: true });
      await artifact.make(draft);
      await rename(draft, directory);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return directory;
  });
}
