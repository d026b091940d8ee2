import type { EnvoyPatch } from "../../model/ir/envoy-filter.ts";
import type { JsonObject } from "../../proto/reflect/json.ts";
import { parseOutboundCluster } from "../names.ts";
import { isMerge, mergedWith, type Subject } from "./subject.ts";

/** @returns the same object if the patch does not concern it; `undefined` if the cluster is to go */
export function patchedCluster(
  cluster: JsonObject,
  patch: EnvoyPatch,
  subject: Subject,
): JsonObject | undefined {
  if (!isMeant(patch, subject)) return cluster;
  if (patch.operation === "REMOVE") return undefined;
  return isMerge(patch) ? mergedWith(patch, "Cluster", cluster) : cluster;
}

function isMeant({ cluster: match = {} }: EnvoyPatch, subject: Subject): boolean {
  const { name, portNumber, service, subset } = match;
  if (name !== undefined && name !== subject.name) return false;
  if (portNumber === undefined && service === undefined && subset === undefined) return true;
  return partsOf(subject).some(
    (of) =>
      (portNumber === undefined || portNumber === of.port) &&
      (service === undefined || service === of.host) &&
      (subset === undefined || subset === of.subset),
  );
}

interface Parts {
  readonly port: number;
  readonly host: string;
  readonly subset?: string;
}

/** What a cluster is for; behind one port of an application several services may be. */
function partsOf({ mesh, view, name, role }: Subject): readonly Parts[] {
  const outbound = parseOutboundCluster(name);
  if (outbound !== undefined) return [outbound];
  const port = Number(name.split("|")[1]);
  if (role !== "inbound" || Number.isNaN(port)) return [];
  const services = (mesh.workload(view.workload)?.ports ?? []).filter((one) => one.port === port);
  return services.flatMap(({ host, servicePort }) => [
    { port, host },
    { port: servicePort, host },
  ]);
}
