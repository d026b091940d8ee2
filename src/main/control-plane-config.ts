import { readFile } from "node:fs/promises";
import type { ControlPlaneConfig } from "../api/control-plane-config.ts";
import { MeshError } from "../util/errors.ts";

const STRINGS = [
  "mesh",
  "namespace",
  "rootNamespace",
  "trustDomain",
  "clusterDomain",
  "proxyImage",
  "outboundTrafficPolicy",
] as const satisfies readonly (keyof ControlPlaneConfig)[];

/** @throws MeshError `MESH0502` if the file cannot be read or says too little */
export async function readControlPlaneConfig(file: string): Promise<ControlPlaneConfig> {
  const refuse = (message: string, cause?: unknown): MeshError =>
    new MeshError("MESH0502", `${file}: ${message}`, {
      hint: "the operator writes this file; run with --config to name another",
      cause,
    });
  let config: Partial<ControlPlaneConfig>;
  try {
    config = JSON.parse(await readFile(file, "utf8")) as Partial<ControlPlaneConfig>;
  } catch (error) {
    // Says which file, and what to do about it.
    throw refuse(`cannot be read: ${String(error)}`, error);
  }
  const missing = STRINGS.filter((field) => !config[field]);
  if (missing.length > 0) throw refuse(`says nothing of ${missing.join(", ")}`);
  if (!Array.isArray(config.gatewayNamespaces)) throw refuse("says nothing of gatewayNamespaces");
  if (!(Number(config.workloadTtlMs) > 0)) throw refuse("workloadTtlMs must be more than 0");
  return { accessLogFile: "", ...config } as ControlPlaneConfig;
}
