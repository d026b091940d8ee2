/** Images of this checkout for its own clusters: built with buildah, handed over as archives. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, relative } from "node:path";

import { containerdSocket } from "../../e2e/cluster/components.ts";
import { writeAtomically } from "../../e2e/cluster/files.ts";
import { type Cluster, inside, layout } from "../../e2e/cluster/layout.ts";
import { withLock } from "../../e2e/cluster/lock.ts";
import { nodePid, runInside } from "../../e2e/cluster/node.ts";
import { findClaim } from "../../e2e/cluster/registry.ts";
import { say } from "../../e2e/cluster/say.ts";
import { ensureBases } from "./bases.ts";
import { type Buildah, openBuildah } from "./buildah.ts";
import { checkout, type Image, images, nodeVersion, tag } from "./catalog.ts";
import { preparedContext } from "./context.ts";
import { fingerprint } from "./fingerprint.ts";
import { fetchArchive, keepArchive } from "./shelf.ts";

const directory = join(checkout, ".state/.images");

/** What was built from what: tag to fingerprint. */
type Record_ = Readonly<Record<string, string>>;

const readRecord = (file: string): Record_ =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record_) : {};

async function remember(file: string, name: string, value: string): Promise<void> {
  await writeAtomically(file, JSON.stringify({ ...readRecord(file), [name]: value }));
}

const megabytes = (file: string): string => `${Math.round(statSync(file).size / 1e6)} MB`;
const archiveOf = (image: Image): string => join(directory, `${image.name}.tar`);

/** Builds an image, unless its sources are those of the last time. Returns what it was built from. */
async function build(buildah: Buildah, image: Image, name: string): Promise<string> {
  const record = join(directory, "built.json");
  const archive = archiveOf(image);
  const key = fingerprint(checkout, image.sources, [nodeVersion]);
  const shelved = fingerprint(checkout, [], [key, name]);
  if (readRecord(record)[name] === key && existsSync(archive)) {
    say(`${name}, ${megabytes(archive)}, is as it was`);
    return key;
  }
  if (await fetchArchive(image.name, shelved, archive)) {
    say(`${name}, ${megabytes(archive)}, was built before`);
    await remember(record, name, key);
    return key;
  }
  const context =
    image.context === undefined
      ? await preparedContext(join(directory, "context"))
      : join(checkout, image.context);
  await ensureBases(buildah);
  const dockerfile = join(checkout, image.dockerfile);
  await buildah.run("build", "--layers", "--quiet", "--tag", name, "--file", dockerfile, context);
  await rm(archive, { force: true });
  await buildah.run("push", "--quiet", name, `docker-archive:${archive}:${name}`);
  say(`built ${name}, ${megabytes(archive)}`);
  await remember(record, name, key);
  await keepArchive(image.name, shelved, archive);
  return key;
}

/** Gives a running cluster an image, unless it has it. */
async function load(cluster: Cluster, image: Image, name: string, key: string): Promise<void> {
  const record = join(cluster.state, "images.json");
  if (readRecord(record)[name] === key) return;
  const archive = `${inside.checkout}/${relative(checkout, archiveOf(image))}`;
  const ctr = ["ctr", "--address", containerdSocket, "--namespace", "k8s.io"] as const;
  await runInside(cluster, [...ctr, "images", "import", archive]);
  say(`loaded ${name} into cluster ${cluster.name}`);
  await remember(record, name, key);
}

/** The cluster of this name, if this checkout has it and it is up. */
async function runningCluster(name: string): Promise<Cluster | undefined> {
  const claim = await findClaim(name);
  if (claim === undefined) return undefined;
  const cluster = layout(claim);
  return (await nodePid(cluster)) === undefined ? undefined : cluster;
}

/** Builds the images and gives them to the clusters that are up; what is unchanged takes no time. */
export async function provideLocally(
  clusterNames: readonly string[],
  prefix: string,
): Promise<void> {
  await withLock(join(directory, "lock"), async () => {
    const buildah = await openBuildah(directory);
    for (const image of images.filter(({ dockerfile }) => existsSync(join(checkout, dockerfile)))) {
      const name = tag(image, prefix);
      const key = await build(buildah, image, name);
      for (const clusterName of clusterNames) {
        const cluster = await runningCluster(clusterName);
        if (cluster === undefined) say(`cluster ${clusterName} is not up: it gets no images`);
        else await load(cluster, image, name, key);
      }
    }
  });
}
