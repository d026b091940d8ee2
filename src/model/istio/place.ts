/** Where a workload outside of Kubernetes is: a WorkloadEntry, or an endpoint of a ServiceEntry. */
import type { WorkloadEntrySpec } from "../../api/gen/workload-entry.ts";
import { TLS_MODE } from "../../api/labels.ts";
import { parseLocality, podLocality } from "../../api/locality.ts";
import { defined } from "../../util/defined.ts";
import { isIp } from "../../util/ip.ts";
import { isHost } from "../host.ts";
import type { Endpoint, Service } from "../ir/service.ts";
import { lowerNumber, lowerPort, type Site } from "./site.ts";

export const UNIX = "unix://";

export interface Place {
  /** An IP address, a DNS name, or `unix:///path`. */
  readonly address: string;
  /** By the name of a service's port: where the workload listens for it. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Endpoint["locality"];
  /** Whether a proxy there takes mutual TLS. */
  readonly tls: boolean;
  readonly serviceAccount?: string;
  readonly weight?: number;
  readonly network?: string;
}

/** Proxies take no sum of weights beyond 32 bits. */
const MAX_WEIGHT = 1_000_000;

/** @param labels what the object itself is labelled with: they win over the place's own */
export function lowerPlace(
  spec: WorkloadEntrySpec,
  path: string,
  site: Site,
  labels: Place["labels"] = {},
): Place | undefined {
  const { address = "", serviceAccount } = spec;
  if (!isAddress(address)) {
    site.report.add(
      "MESH0131",
      `${path}.address`,
      `"${address}" is neither an IP address nor a DNS name nor unix:///path: nothing is sent there`,
    );
    return undefined;
  }
  const all = { ...spec.labels, ...labels };
  return {
    address,
    ports: lowerPorts(spec.ports ?? {}, `${path}.ports`, site),
    labels: all,
    locality: localityOf(spec.locality, all),
    tls: takesTls(all, serviceAccount),
    ...defined({
      serviceAccount: serviceAccount || undefined,
      weight: lowerNumber(spec.weight || undefined, [1, MAX_WEIGHT], `${path}.weight`, site),
      network: spec.network || undefined,
    }),
  };
}

/** Who has an identity of the mesh has a proxy, unless a label says otherwise. */
function takesTls(labels: Place["labels"], serviceAccount = ""): boolean {
  const mode = labels[TLS_MODE];
  return mode === undefined ? serviceAccount !== "" : mode === "istio";
}

function isAddress(text: string): boolean {
  if (text.startsWith(UNIX)) return text.startsWith(`${UNIX}/`);
  return isIp(text) || (isHost(text.toLowerCase()) && !text.includes("*"));
}

/** Whether a service that resolves like this can send to the place. */
export function isReachable(
  { address }: Pick<Place, "address">,
  resolution: Service["resolution"],
): boolean {
  const isLookedUp = resolution === "dns" || resolution === "dns-round-robin";
  return isIp(address) || address.startsWith(UNIX) !== isLookedUp;
}

function lowerPorts(
  ports: Readonly<Record<string, number>>,
  path: string,
  site: Site,
): Place["ports"] {
  return Object.fromEntries(
    Object.entries(ports).flatMap(([name, port]) => {
      const number = lowerPort(port, `${path}.${name}`, site);
      return number === undefined ? [] : [[name, number]];
    }),
  );
}

const NOWHERE: Endpoint["locality"] = { region: "", zone: "" };

const localityOf = (text: string | undefined, labels: Place["labels"]): Endpoint["locality"] =>
  text ? parseLocality(text) : (podLocality(labels) ?? NOWHERE);
