import type { ProxyView } from "../view.ts";
import type { Vantage } from "./destination.ts";

/** The gateway name by which rules mean all sidecars. */
export const MESH_GATEWAY = "mesh";

/** For whom routes are made. */
export interface Audience extends Vantage {
  /** Gateways (`namespace/name`) that the listener belongs to, or `mesh`. */
  readonly gateways: readonly string[];
}

/** Conditions that do not look at what is sent, but at who sends it, and by which listener. */
export interface Conditions {
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  readonly gateways?: readonly string[];
}

/** @param gateways of the source, for conditions that name none of their own */
export function concerns(
  conditions: Conditions,
  gateways: readonly string[],
  audience: Audience,
): boolean {
  const meant = conditions.gateways ?? gateways;
  if (!meant.some((gateway) => audience.gateways.includes(gateway))) return false;
  if (conditions.port !== undefined && conditions.port !== audience.port) return false;
  // What is for a gateway by name is for it whatever its labels.
  const isNamed = audience.view.kind === "gateway" && conditions.gateways !== undefined;
  return isNamed || comesFrom(conditions, audience.view);
}

function comesFrom({ sourceLabels, sourceNamespace }: Conditions, view: ProxyView): boolean {
  if (sourceNamespace !== undefined && sourceNamespace !== view.namespace) return false;
  if (sourceLabels === undefined) return true;
  return Object.entries(sourceLabels).every(([name, value]) => view.labels[name] === value);
}
