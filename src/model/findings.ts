/**
 * What is wrong with an object in the company of the others: what it names that is not there, and
 * what another object has before it. Its own faults were found when it was lowered.
 */
import { Report } from "../api/codes.ts";
import type { Diagnostic, Lowered } from "../api/diagnostic.ts";
import type { Context, Engine, Query } from "../store/engine.ts";
import type { Check } from "./check.ts";
import { checkBinding, checkGateway } from "./gateway-findings.ts";
import { patternsFor } from "./host.ts";
import { type Inputs, lookUp } from "./inputs.ts";
import type { Mesh } from "./ir/mesh.ts";
import type { Service } from "./ir/service.ts";
import type { DestinationRule } from "./istio/destination-rule.ts";
import { MESH_GATEWAY } from "./istio/gateway-key.ts";
import type { DestinationReference, References } from "./istio/references.ts";
import type { ServiceEntry } from "./istio/service-entry.ts";
import type { SidecarModel } from "./istio/sidecar.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import type { KubeService } from "./kube.ts";
import { checkListeners } from "./listener-findings.ts";
import { winningRoutes } from "./merge.ts";
import { byAge } from "./origin.ts";
import { checkOrigins } from "./origin-findings.ts";
import { selects } from "./selector.ts";
import { isVisible } from "./visibility.ts";

/** By the name of an object as messages have it, e.g. `VirtualService shop/reviews`. */
export function findingsQuery(
  engine: Engine,
  from: Inputs,
  meshOf: (cx: Context) => Mesh,
): Query<[string], readonly Diagnostic[]> {
  return engine.query((cx, object: string): readonly Diagnostic[] => {
    const [kind, key = ""] = object.split(" ");
    const check = { cx, from, mesh: meshOf(cx), report: new Report(object) };
    return KINDS[kind ?? ""]?.(key, check) ?? [];
  });
}

function findings<V>(
  lowered: Lowered<V | undefined> | undefined,
  look: (value: V, check: Check) => void,
  check: Check,
): readonly Diagnostic[] {
  if (lowered?.value !== undefined) look(lowered.value, check);
  return [...(lowered?.diagnostics ?? []), ...check.report.diagnostics];
}

type Look = (key: string, check: Check) => readonly Diagnostic[];

const KINDS: Readonly<Record<string, Look>> = {
  Service: (key, check) => findings(check.cx.get(check.from.services, key), checkService, check),
  VirtualService: (key, check) =>
    findings(check.cx.get(check.from.virtualServices, key), checkVirtualService, check),
  DestinationRule: (key, check) =>
    findings(check.cx.get(check.from.destinationRules, key), checkDestinationRule, check),
  ServiceEntry: (key, check) =>
    findings(check.cx.get(check.from.serviceEntries, key), checkServiceEntry, check),
  Gateway: (key, check) => findings(check.cx.get(check.from.gateways, key), checkGateway, check),
  Sidecar: (key, check) => findings(check.cx.get(check.from.sidecars, key), checkSidecar, check),
  WorkloadEntry: (key, { cx, from }) => cx.get(from.workloadEntries, key)?.diagnostics ?? [],
  EnvoyFilter: (key, { cx, from }) => cx.get(from.envoyFilters, key)?.diagnostics ?? [],
};

function checkVirtualService(object: VirtualService, check: Check): void {
  for (const reference of object.references.gateways) checkBinding(reference, object, check);
  for (const destination of object.references.destinations)
    checkDestination(destination, object.namespace, check);
  for (const delegate of object.references.delegates) checkDelegate(delegate, object, check);
  if (!object.routes.gateways.includes(MESH_GATEWAY)) return;
  for (const [i, host] of object.routes.hosts.entries())
    checkName(host, { path: `spec.hosts[${i}]`, namespace: object.namespace }, check);
  checkRivals(object, check);
}

/** What is said of another name for a host. */
function checkName(
  host: string,
  { path, namespace }: { readonly path: string; readonly namespace: string },
  { mesh, report }: Check,
): void {
  const meant = mesh.service(host, namespace);
  if (meant !== undefined && meant.host !== host)
    report.add(
      "MESH0135",
      path,
      `${host} is a Service of type ExternalName and so another name for ${meant.host}, whose routing and policy hold for it, and what is said here of the name has no effect: name ${meant.host}`,
    );
}

/** Rules left to another object, which may leave none to a third. */
function checkDelegate(
  { path, delegate }: References["delegates"][number],
  { namespace }: VirtualService,
  { cx, from, report }: Check,
): void {
  const found = cx.get(from.virtualServices, delegate)?.value;
  if (found === undefined || !isVisible(found, namespace))
    report.add(
      "MESH0118",
      path,
      `there is no VirtualService ${delegate} that may be seen from here, so requests of this rule are answered 503: create it, or have its exportTo name ${namespace}`,
    );
  else if (found.delegations.length > 0)
    report.add(
      "MESH0118",
      path,
      `VirtualService ${delegate} leaves rules to others itself, and those are left out: delegate to them from here`,
    );
}

function checkDestination(
  { path, host, port, subset }: DestinationReference,
  namespace: string,
  { mesh, report }: Check,
): void {
  const found = mesh.service(host, namespace);
  if (found === undefined) {
    report.add(
      "MESH0104",
      `${path}.host`,
      `no service of the mesh has the host ${host}, so requests sent there are answered 503: create the service or correct the name`,
    );
    return;
  }
  const ports = found.ports.map((one) => one.port);
  if (port !== undefined && !ports.includes(port))
    report.add(
      "MESH0104",
      `${path}.port.number`,
      `${host} has no port ${port}, so requests sent there are answered 503: use one of ${ports.join(", ")}`,
    );
  if (subset === undefined) return;
  const known = mesh.subsets(found.host, namespace);
  if (known.includes(subset)) return;
  const remedy =
    known.length === 0
      ? "define it in a DestinationRule for the host"
      : `define it there or use one of ${known.join(", ")}`;
  report.add(
    "MESH0105",
    `${path}.subset`,
    `no DestinationRule defines subset "${subset}" of ${found.host}, so requests sent there are answered 503: ${remedy}`,
  );
}

/** Of several VirtualServices with HTTP rules for one host sidecars follow one. */
function checkRivals(object: VirtualService, { cx, from, report }: Check): void {
  if (object.routes.rules.length + object.delegations.length === 0) return;
  for (const [i, host] of object.routes.hosts.entries()) {
    const rivals = cx
      .get(from.meshRoutes, host)
      .flatMap((key) => cx.get(from.virtualServices, key)?.value ?? []);
    const winner = winningRoutes(rivals, object.namespace)?.routes;
    if (winner === undefined || winner.source === object.routes.source) continue;
    report.add(
      "MESH0113",
      `spec.hosts[${i}]`,
      `${winner.source} has the HTTP rules for ${host} in sidecars, and these are not used: merge the two`,
    );
  }
}

function checkDestinationRule(rule: DestinationRule, check: Check): void {
  const {
    policy: { host },
    namespace,
  } = rule;
  const { cx, from, mesh, report } = check;
  checkName(host, { path: "spec.host", namespace }, check);
  checkOrigins(rule, check);
  if (host.startsWith("*") || mesh.service(host, namespace) !== undefined) return;
  const isRouted = patternsFor(host).some((one) => cx.get(from.meshRoutes, one).length > 0);
  if (isRouted) return;
  report.add(
    "MESH0104",
    "spec.host",
    `no service of the mesh has the host ${host}, so this rule has no effect: create the service or correct the name`,
  );
}

/** Services have no status of ours; `meshwright status` asks. */
function checkService({ service, namespace }: KubeService, check: Check): void {
  checkCircle(service, check);
  checkListeners(service, { namespace, path: "spec.ports" }, check);
}

function checkCircle({ host, standsFor }: Service, { cx, from, report }: Check): void {
  const passed = [host];
  let next = standsFor;
  while (next !== undefined && !passed.includes(next)) {
    passed.push(next);
    const [named] = lookUp(cx, from.services, cx.get(from.servicesByHost, next));
    next = named?.service.standsFor;
  }
  if (next !== undefined)
    report.add(
      "MESH0136",
      "spec.externalName",
      `it leads round in a circle, ${[...passed, next].join(" to ")}, so no DNS resolves it: let one of these Services name a host`,
    );
}

/** Another object may have a host of an entry, as the entry's own namespace sees it. */
function checkServiceEntry({ services, namespace }: ServiceEntry, check: Check): void {
  const { mesh, report } = check;
  for (const service of services) {
    const { host, source, ports } = service;
    const found = mesh.service(host, namespace);
    if (found?.source === source)
      checkListeners(service, { namespace, path: "spec.addresses" }, check);
    if (found === undefined || found.source === source) continue;
    if (found.host !== host) {
      checkName(host, { path: "spec.hosts", namespace }, check);
      continue;
    }
    const isServed = ports.every(({ port, name }) =>
      found.ports.some((one) => one.port === port && one.name === name),
    );
    if (isServed && found.namespace === namespace) continue;
    report.add(
      "MESH0133",
      "spec.hosts",
      `${found.source} has the host ${host}, and proxies follow that one: merge the two, or export them to different namespaces`,
    );
  }
}

/** A workload has one Sidecar, the oldest that is for it. */
function checkSidecar(object: SidecarModel, { cx, from, mesh, report }: Check): void {
  const { namespace, selector, sidecar } = object;
  const isDefault = Object.keys(selector).length === 0;
  const keys = cx.get(isDefault ? from.sidecarDefaults : from.sidecarsSelecting, namespace);
  const rival = keys
    .flatMap((key) => cx.get(from.sidecars, key)?.value ?? [])
    .find((other) => byAge(other, object) < 0 && selects(other.selector, selector));
  if (rival !== undefined)
    report.add(
      "MESH0151",
      isDefault ? "spec" : "spec.workloadSelector",
      `${rival.sidecar.source} is older and for all workloads that this one is for, so this one is not used: merge the two`,
    );
  if (sidecar.unknown?.kind !== "proxy") return;
  const { host, port } = sidecar.unknown;
  if (mesh.service(host, namespace)?.ports.some((one) => one.port === port)) return;
  report.add(
    "MESH0104",
    "spec.outboundTrafficPolicy.egressProxy",
    `no service of the mesh has the host ${host} and port ${port}, so traffic to unknown hosts goes nowhere: create the service or correct the name`,
  );
}
