/** Finished archives, kept for every checkout of this machine: what one has built, none builds again. */
import { existsSync } from "node:fs";
import { copyFile, link, mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheRoot } from "../../e2e/cluster/cache.ts";

/** A tree that is worked on leaves an archive per build: the newest of each image are enough. */
const KEPT = 3;

const shelf = (image: string): string => join(cacheRoot, "images", image);

/** A link is enough, where both lie on the same file system. It appears whole or not at all. */
async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const draft = `${to}.${process.pid}`;
  await rm(draft, { force: true });
  await link(from, draft).catch(() => copyFile(from, draft));
  await rename(draft, to);
  // Renaming one link over another of the same file leaves both.
  await rm(draft, { force: true });
}

/** @returns false if nobody on this machine has built the image from these sources */
export async function fetchArchive(image: string, key: string, to: string): Promise<boolean> {
  const from = join(shelf(image), `${key}.tar`);
  if (!existsSync(from)) return false;
  const now = new Date();
  await utimes(from, now, now);
  await place(from, to);
  return true;
}

export async function keepArchive(image: string, key: string, from: string): Promise<void> {
  await place(from, join(shelf(image), `${key}.tar`));
  const files = (await readdir(shelf(image))).map((name) => join(shelf(image), name));
  const dated = await Promise.all(
    files.map(async (file) => ({ file, usedMs: (await stat(file)).mtimeMs })),
  );
  for (const { file } of dated.toSorted((a, b) => b.usedMs - a.usedMs).slice(KEPT))
    await rm(file, { force: true });
}
