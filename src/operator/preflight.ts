/** What must hold before the first write. */
import type { MeshConfig } from "../api/kinds.ts";
import type { Wait } from "../install/readiness.ts";
import { wantedVersion } from "../install/settings.ts";
import type { Deps } from "./deps.ts";

/** Native sidecars and the sleep of a preStop hook are on by default from here on. */
const MIN_MINOR = 30;

/** Two meshes would inject the same pods: the older one works. */
export function conflictWith(
  mesh: MeshConfig,
  oldestFirst: readonly MeshConfig[],
): Wait | undefined {
  const [oldest] = oldestFirst;
  if (oldest === undefined || oldest.metadata.name === mesh.metadata.name) return undefined;
  return {
    reason: "Conflict",
    message: `MeshConfig ${oldest.metadata.name} is older and has the cluster; delete one of the two`,
  };
}

const MOST_TOLD = 5;

/** What its schema lets pass and the proxies would not: nothing is changed until it is mended. */
export function specWait(mesh: MeshConfig, { faultsOf }: Pick<Deps, "faultsOf">): Wait | undefined {
  const errors = faultsOf(mesh).filter(({ level }) => level === "error");
  if (errors.length === 0) return undefined;
  const told = errors.slice(0, MOST_TOLD).map(({ path, message }) => `${path}: ${message}`);
  const more = errors.length - told.length;
  return {
    reason: "InvalidSpec",
    message: [...told, ...(more > 0 ? [`and ${more} more`] : [])].join("; "),
  };
}

/** Whether this release can make what is asked for, on this cluster. */
export async function versionWait(
  mesh: MeshConfig,
  { client, catalogue }: Deps,
  signal: AbortSignal,
): Promise<Wait | undefined> {
  const wanted = wantedVersion(mesh, catalogue);
  if (wanted !== catalogue.version)
    return {
      reason: "UnsupportedVersion",
      message: `spec.version: this operator installs version ${catalogue.version}, not ${wanted}; leave the field out, or deploy the operator of version ${wanted}`,
    };
  const server = (await client.request(
    { doing: "ask for the server's version", method: "GET", path: "/version" },
    signal,
  )) as { readonly major: string; readonly minor: string; readonly gitVersion: string };
  // Clouds write a minor version like "30+".
  if (server.major === "1" && Number.parseInt(server.minor, 10) < MIN_MINOR)
    return {
      reason: "UnsupportedKubernetes",
      message: `this cluster runs Kubernetes ${server.gitVersion}; sidecars need 1.${MIN_MINOR} or newer`,
    };
  return undefined;
}
