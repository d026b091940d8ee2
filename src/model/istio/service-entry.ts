import { Report } from "../../api/codes.ts";
import type { Lowered } from "../../api/diagnostic.ts";
import type { ServiceEntrySpec, ServiceEntrySpecPorts } from "../../api/gen/service-entry.ts";
import type { ServiceEntry as EntryObject } from "../../api/kinds.ts";
import { objectName } from "../../api/object.ts";
import { defined } from "../../util/defined.ts";
import { isIp, isSubnet, isUnspecified } from "../../util/ip.ts";
import { ownValue } from "../../util/own-value.ts";
import { isHost } from "../host.ts";
import type { Protocol, Service, ServicePort } from "../ir/service.ts";
import { type Origin, originOf } from "../origin.ts";
import { entryProtocol } from "../port-protocol.ts";
import { isReachable, lowerPlace, type Place } from "./place.ts";
import { lowerLine, lowerPort, type Site } from "./site.ts";

type Labels = Readonly<Record<string, string>>;

/** A ServiceEntry: a service for each of its hosts, and where their traffic goes. */
export interface ServiceEntry extends Origin {
  readonly services: readonly Service[];
  /** Of pods and WorkloadEntries in its namespace; `places` are then none. */
  readonly selector?: Labels;
  /** By service port number: the workload's port, where it is another. */
  readonly targetPorts: Readonly<Record<number, number>>;
  readonly places: readonly Place[];
}

const RESOLUTIONS: Readonly<Record<string, Service["resolution"]>> = {
  NONE: "original-destination",
  STATIC: "static",
  DNS: "dns",
  DNS_ROUND_ROBIN: "dns-round-robin",
  DYNAMIC_DNS: "dynamic-dns",
};

/** https://istio.io/latest/docs/reference/config/networking/service-entry/ */
export function lowerServiceEntry(
  object: EntryObject,
  clusterDomain: string,
): Lowered<ServiceEntry | undefined> {
  const report = new Report(objectName(object));
  const spec: ServiceEntrySpec = object.spec ?? { hosts: [] };
  const origin = originOf(object, spec.exportTo);
  const site = { report, namespace: origin.namespace, clusterDomain };
  const resolution = lowerResolution(spec, site);
  if (resolution === undefined) return { value: undefined, diagnostics: report.diagnostics };
  const places = placesOf(spec, resolution, site);
  const ports = distinctPorts(spec.ports ?? [], site);
  const common = commonOf(object, spec, { resolution, ports, site });
  const value: ServiceEntry = {
    ...origin,
    services: lowerHosts(spec, { resolution, places }, site).map((host) => ({
      host,
      ...common,
      addresses: common.addresses.length > 0 ? common.addresses : allocated(object, host),
    })),
    targetPorts: Object.fromEntries(
      ports.flatMap(({ number, targetPort, path }) => {
        const port = lowerPort(targetPort || undefined, `${path}.targetPort`, site);
        return port === undefined ? [] : [[number, port]];
      }),
    ),
    places,
    ...(spec.workloadSelector && { selector: spec.workloadSelector.labels ?? {} }),
  };
  return { value, diagnostics: report.diagnostics };
}

function lowerResolution(
  { resolution = "NONE" }: ServiceEntrySpec,
  { report }: Site,
): Service["resolution"] | undefined {
  const known = ownValue(RESOLUTIONS, resolution);
  if (known === undefined)
    report.add(
      "MESH0132",
      "spec.resolution",
      `"${resolution}" is no resolution that is known here, so its hosts are not served: use one of ${Object.keys(RESOLUTIONS).join(", ")}`,
    );
  return known;
}

interface PortSpec extends ServiceEntrySpecPorts {
  readonly path: string;
}

interface Resolving {
  readonly resolution: Service["resolution"];
  readonly ports: readonly PortSpec[];
  readonly site: Site;
}

/** What all hosts of an entry have in common. */
function commonOf(
  object: EntryObject,
  spec: ServiceEntrySpec,
  { resolution, ports, site }: Resolving,
): Omit<Service, "host"> {
  const all = spec.addresses ?? [];
  const { addresses, subnets } = lowerAddresses(all, site);
  const names = (spec.subjectAltNames ?? []).flatMap(
    (name, i) => lowerLine(name, `spec.subjectAltNames[${i}]`, site) ?? [],
  );
  return {
    namespace: site.namespace,
    name: object.metadata.name,
    addresses,
    ports: lowerPorts(ports, resolution, site),
    resolution,
    source: objectName(object),
    registered: true,
    ...defined({
      external: spec.location === "MESH_INTERNAL" ? undefined : true,
      created: object.metadata.creationTimestamp,
      subnets: subnets.length > 0 ? subnets : undefined,
      subjectAltNames: names.length > 0 ? names : undefined,
      // Clients that look the name up themselves come to addresses that nobody has told us.
      anyAddress: all.length === 0 || all.some(isUnspecified) ? true : undefined,
    }),
  };
}

function lowerHosts(
  { hosts, endpoints = [], workloadSelector }: ServiceEntrySpec,
  { resolution, places }: Pick<ServiceEntry, "places"> & Pick<Service, "resolution">,
  { report }: Site,
): readonly string[] {
  const needsName = resolution === "dns" || resolution === "dns-round-robin";
  const hasPlaces = places.length > 0 || workloadSelector !== undefined;
  const good = hosts
    .map((host) => host.toLowerCase())
    .filter((host, i) => {
      const path = `spec.hosts[${i}]`;
      if (!isHost(host) || host === "*" || isIp(host)) {
        report.add(
          "MESH0101",
          path,
          `"${host}" is no host of a service: write a DNS name or "*.name"`,
        );
        return false;
      }
      if (!needsName || hasPlaces || !host.startsWith("*")) return true;
      report.add(
        "MESH0132",
        path,
        `"${host}" is no name that can be looked up: give endpoints, or resolution DYNAMIC_DNS or NONE`,
      );
      return false;
    });
  if (workloadSelector !== undefined && endpoints.length > 0)
    report.add(
      "MESH0110",
      "spec.workloadSelector",
      "it has no effect beside endpoints: have the one or the others",
    );
  return [...new Set(good)];
}

function lowerAddresses(
  texts: readonly string[],
  { report }: Site,
): { readonly addresses: readonly string[]; readonly subnets: readonly string[] } {
  for (const [i, text] of texts.entries())
    if (!isIp(text) && !isSubnet(text))
      report.add(
        "MESH0131",
        `spec.addresses[${i}]`,
        `"${text}" is neither an IP address nor a subnet like 10.0.0.0/8: it is left out`,
      );
  const addresses = texts.filter((text) => isIp(text) && !isUnspecified(text));
  return { addresses, subnets: texts.filter(isSubnet) };
}

function allocated({ status }: EntryObject, host: string): string[] {
  const { addresses = [] } = status ?? {};
  return addresses.flatMap(({ value = "", host: of }) => (of === host && isIp(value) ? value : []));
}

/** API servers refuse two of one number or name, unless their schema of the object is an older one. */
function distinctPorts(ports: readonly ServiceEntrySpecPorts[], site: Site): readonly PortSpec[] {
  const taken = new Set<number | string>();
  return ports.flatMap((spec, i) => {
    const path = `spec.ports[${i}]`;
    if (lowerPort(spec.number, `${path}.number`, site) === undefined) return [];
    const twice = (["number", "name"] as const).find((field) => taken.has(spec[field]));
    if (twice !== undefined) {
      site.report.add(
        "MESH0137",
        `${path}.${twice}`,
        `another port before it has the ${twice} ${spec[twice]}, so it is left out: give it a ${twice} of its own`,
      );
      return [];
    }
    taken.add(spec.number).add(spec.name);
    return [{ ...spec, path }];
  });
}

function lowerPorts(
  ports: readonly PortSpec[],
  resolution: Service["resolution"],
  site: Site,
): readonly ServicePort[] {
  return ports.map((spec) => {
    const { name, number: port, path } = spec;
    const protocol = protocolOf(spec, site);
    const targetPort = targetOf(spec, { port, resolution, protocol }, { path, site });
    return { name, port, protocol, ...defined({ targetPort }) };
  });
}

function protocolOf({ name, number: port, protocol, path }: PortSpec, { report }: Site): Protocol {
  const known = entryProtocol({ name, port, ...defined({ protocol }) });
  if (known === undefined)
    report.add(
      "MESH0111",
      `${path}.protocol`,
      `protocol "${protocol}" of port ${port} is not one of HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, MYSQL, REDIS: its protocol is detected on the wire`,
    );
  return known ?? "auto";
}

interface Targeted extends Pick<ServicePort, "port" | "protocol"> {
  readonly resolution: Service["resolution"];
}

/** Of other resolutions the endpoints have it. */
function targetOf(
  { targetPort }: ServiceEntrySpecPorts,
  { port, resolution, protocol }: Targeted,
  { path, site }: { readonly path: string; readonly site: Site },
): number | undefined {
  const target = lowerPort(targetPort || undefined, `${path}.targetPort`, site);
  if (resolution === "original-destination") return target;
  if (resolution !== "dynamic-dns") return undefined;
  if (protocol === "tls" || protocol === "https") return target;
  if (target !== undefined && target !== port)
    site.report.add(
      "MESH0110",
      `${path}.targetPort`,
      `with resolution DYNAMIC_DNS a request goes to the port that it names, or to that of its scheme, so ${target} has no effect: leave it out, or use resolution DNS for a single host`,
    );
  return undefined;
}

/** Where names are looked up, or connections go where clients meant to, endpoints are not for all. */
function placesOf(
  { endpoints = [] }: ServiceEntrySpec,
  resolution: Service["resolution"],
  site: Site,
): readonly Place[] {
  if (resolution === "original-destination" || resolution === "dynamic-dns") {
    if (endpoints.length > 0)
      site.report.add(
        "MESH0132",
        "spec.endpoints",
        "endpoints have no effect with this resolution: use STATIC or DNS",
      );
    return [];
  }
  const places = endpoints.flatMap((endpoint, i) => {
    const path = `spec.endpoints[${i}]`;
    const place = lowerPlace(endpoint, path, site);
    if (place === undefined || isReachable(place, resolution)) return place ?? [];
    site.report.add(
      "MESH0131",
      `${path}.address`,
      `"${place.address}" is none for this resolution: STATIC takes IP addresses and unix:///path, DNS takes IP addresses and names`,
    );
    return [];
  });
  if (resolution !== "dns-round-robin" || places.length < 2) return places;
  site.report.add(
    "MESH0132",
    "spec.endpoints",
    "with resolution DNS_ROUND_ROBIN there is one endpoint: the others are left out; use DNS for several",
  );
  return places.slice(0, 1);
}
