/** How proxies stand, as the control plane tells it and the command line reads it. */
import type { ResourceType } from "../xds/resource.ts";
import type { TypeStatus } from "./connection.ts";

/** How one proxy stands, as `/debug/syncz` shows it. */
export interface ProxySync {
  /** `namespace/name` of the pod. */
  readonly proxy: string;
  readonly kind: string;
  readonly identity: string;
  readonly connectedAt: string;
  readonly types: Readonly<Partial<Record<ResourceType, TypeSync>>>;
}

export interface TypeSync extends TypeStatus {
  readonly synced: boolean;
  /** Resources that the proxy lacks, or has in another version: under way, or held back a while. */
  readonly outstanding: number;
  /** What it does not take as it is now, with Envoy's words. */
  readonly refused: readonly { readonly name: string; readonly message: string }[];
}

export type SyncState = "synced" | "stale" | "rejected";

/** The state of one proxy, of all types together. */
export function stateOf({ types }: Pick<ProxySync, "types">): SyncState {
  const all = Object.values(types);
  if (all.some(({ refused }) => refused.length > 0)) return "rejected";
  return all.every(({ synced }) => synced) ? "synced" : "stale";
}
