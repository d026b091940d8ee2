/** What is wrong with a Gateway: pods that are not there, ports that older ones have, Secrets that it cannot serve with, routing that it may not see. */
import type { Report } from "../api/codes.ts";
import type { Check } from "./check.ts";
import type { CredentialPart } from "./credential.ts";
import { faultOf } from "./credential-findings.ts";
import { beginning, type Gateway, type GatewayServer } from "./ir/listener.ts";
import { sharedHosts } from "./ir/server-hosts.ts";
import type { GatewayModel } from "./istio/gateway.ts";
import type { References } from "./istio/references.ts";
import type { CredentialReference } from "./istio/server-tls.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import { byAge } from "./origin.ts";
import { selectorBucket, selects } from "./selector.ts";
import { isVisible } from "./visibility.ts";

export function checkGateway(object: GatewayModel, check: Check): void {
  checkPorts(object, check);
  const namespaces = namespacesOf(object, check);
  if (namespaces.length === 0) tellUnselected(object, check);
  for (const namespace of namespaces)
    for (const reference of object.credentials) checkCredential(reference, namespace, check);
}

/** Where its pods run: their Secrets are meant. */
function namespacesOf(
  { gateway: { selector } }: GatewayModel,
  { cx, from }: Check,
): readonly string[] {
  const found = cx.get(from.gatewayPods, selectorBucket(selector)).flatMap((key) => {
    const pod = cx.get(from.pods, key);
    return pod !== undefined && selects(selector, pod.labels) ? [pod.namespace] : [];
  });
  return [...new Set(found)].sort();
}

/** What keeps routing from the Gateway that it names. */
export function checkBinding(
  { path, gateway: key }: References["gateways"][number],
  object: VirtualService,
  check: Check,
): void {
  const found = check.cx.get(check.from.gateways, key)?.value;
  if (found === undefined) {
    const remedy = "create it, or name it as namespace/name if it is elsewhere";
    check.report.add("MESH0106", path, `there is no Gateway ${key}, ${UNREACHED}: ${remedy}`);
    return;
  }
  checkHosts(found, { path, object }, check);
  checkExport(found, { path, object }, check);
}

const UNREACHED = "so nothing reaches these rules through it";

interface Binding {
  readonly path: string;
  readonly object: VirtualService;
}

/** Told where no host is served: a Gateway may serve some of them, and others the rest. */
function checkHosts(
  { gateway: { servers, source } }: GatewayModel,
  { path, object: { namespace, routes } }: Binding,
  { report }: Check,
): void {
  if (servers.length === 0 || routes.hosts.length === 0) return;
  const bound = { namespace, hosts: routes.hosts };
  if (servers.some((server) => sharedHosts(server, bound).length > 0)) return;
  const served = servers.flatMap(({ hosts }) => hosts).map((one) => hostFor(one));
  report.add(
    "MESH0124",
    path,
    `${source} has ${[...new Set(served)].slice(0, MOST_TOLD).join(", ")}, which is no host of this VirtualService in namespace ${namespace}, ${UNREACHED}: add its hosts to a server of the Gateway, or name one of the Gateway's`,
  );
}

const MOST_TOLD = 10;

const hostFor = ({ namespace, host }: GatewayServer["hosts"][number]): string =>
  namespace === undefined ? host : `${namespace}/${host}`;

/** Told where none of a gateway's pods may see the routing: what some do not see may be meant so. */
function checkExport(found: GatewayModel, { path, object }: Binding, check: Check): void {
  if (object.exportTo.includes("*")) return;
  const namespaces = namespacesOf(found, check);
  if (namespaces.length === 0) {
    check.report.addUntold("MESH0121", path, `${found.gateway.source} has no pods`);
    return;
  }
  if (namespaces.some((namespace) => isVisible(object, namespace))) return;
  const [first, ...others] = namespaces;
  check.report.add(
    "MESH0123",
    path,
    `the pods of ${found.gateway.source} are in ${namespaces.join(" and ")}, to which this is not exported, ${UNREACHED}: have exportTo name ${others.length === 0 ? first : "one of them"}`,
  );
}

function tellUnselected({ gateway: { selector } }: GatewayModel, { report }: Check): void {
  const labels = Object.entries(selector).map(([name, value]) => `${name}=${value}`);
  const who =
    labels.length === 0
      ? "there is no pod of a gateway"
      : `no pod of a gateway has ${labels.join(" and ")}`;
  report.add(
    "MESH0121",
    "spec.selector",
    `${who}, so nobody opens these servers: select by the labels of a gateway's pods, or have the MeshConfig run a gateway with these`,
  );
}

const REMEDY: Readonly<Record<CredentialPart, string>> = {
  certificate: "give it a certificate chain as tls.crt and its key as tls.key",
  roots: "give it the roots that clients' certificates come from as ca.crt",
};

const EXPIRED: Readonly<Record<CredentialPart, string>> = {
  certificate: "has a certificate that clients refuse, for it expired",
  roots: "has roots by which no client is let in, for they expired",
};

function checkCredential(reference: CredentialReference, namespace: string, check: Check): void {
  const { path, server, part } = reference;
  const { report } = check;
  const fault = faultOf(reference, namespace, check);
  const effect = `so server "${server}" answers nobody: ${REMEDY[part]}`;
  if (fault?.kind === "missing")
    report.add("MESH0119", path, `there is no Secret ${fault.secret}, ${effect}`);
  else if (fault?.kind === "unusable") report.add("MESH0120", path, `${fault.what}, ${effect}`);
  else if (fault !== undefined) {
    const what = `Secret ${fault.secret} ${EXPIRED[part]} at ${fault.when}`;
    report.add("MESH0120", path, `${what} (server "${server}"): renew it`);
  }
}

/** Older Gateways for the same pods keep their ports. */
function checkPorts(object: GatewayModel, { cx, from, report }: Check): void {
  const { gateway } = object;
  const older = cx
    .get(from.gatewaysSelecting, selectorBucket(gateway.selector))
    .flatMap((key) => cx.get(from.gateways, key)?.value ?? [])
    .filter((other) => byAge(other, object) < 0 && areCompatible(other, object));
  for (const server of gateway.servers)
    for (const { gateway: rival } of older) checkServer(server, rival, report);
}

function checkServer(server: GatewayServer, rival: Gateway, report: Report): void {
  const others = rival.servers.filter((one) => isSameSocket(one, server));
  if (others.some((one) => beginning(one) !== beginning(server))) {
    report.add(
      "MESH0115",
      "spec.servers",
      `${rival.source} is older and has port ${server.port} for another protocol than server "${server.name}" (${server.protocol}), which is not opened: give it another port`,
    );
    return;
  }
  const ends = ({ tls }: GatewayServer): boolean => tls?.mode === "terminate";
  const theirs = new Set(
    others
      .filter((one) => ends(one) || ends(server))
      .flatMap(({ hosts }) => hosts.map(({ host }) => host)),
  );
  const lost = server.hosts.map(({ host }) => host).filter((host) => theirs.has(host));
  if (lost.length > 0)
    report.add(
      "MESH0115",
      "spec.servers",
      `${rival.source} is older and has ${lost.join(", ")} at port ${server.port}, so clients that ask for that do not come to server "${server.name}": merge the two, or give this one other hosts`,
    );
}

/** Whether one pod can be selected by both. */
function areCompatible({ gateway: a }: GatewayModel, { gateway: b }: GatewayModel): boolean {
  return Object.entries(a.selector).every(([name, value]) => (b.selector[name] ?? value) === value);
}

const isSameSocket = (a: GatewayServer, b: GatewayServer): boolean =>
  a.port === b.port && a.bind === b.bind;
