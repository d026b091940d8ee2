/** What the person who started us decided, and where things are. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const checkout = join(import.meta.dirname, "../..");

/** `local`: the cluster that this checkout brings up; `current`: kubectl's current context. */
export type ClusterKind = "local" | "current";

export function clusterKind(env: NodeJS.ProcessEnv = process.env): ClusterKind {
  const kind = env["CLUSTER"] || "local";
  if (kind === "local" || kind === "current") return kind;
  throw new Error(
    `CLUSTER=${kind} is not known: use "local" for a cluster on this machine, or "current" for kubectl's current context`,
  );
}

/** The prefix under which the manifests name the images. */
export const MANIFEST_PREFIX = "meshwright.local";

export const imagePrefix = process.env["IMAGE_PREFIX"] || MANIFEST_PREFIX;

const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as {
  readonly version: string;
};

/** The image of the sample applications. */
export const sampleImage = `${imagePrefix}/meshwright-bookinfo:${version}`;

/** A manifest of the repository as it is applied: with the images of `prefix`. */
export function rendered(path: string, prefix: string = imagePrefix): string {
  const text = readFileSync(join(checkout, path), "utf8");
  return text.replaceAll(`${MANIFEST_PREFIX}/`, `${prefix}/`);
}
