/**
 * Connections that another host gets. Bytes are told apart by the address and port they go to, or by
 * the name in TLS's greeting; where two hosts want the same, one has it and the other is told.
 */
import type { Check } from "./check.ts";
import { addressDomain } from "./domains.ts";
import { byPrecedence } from "./ir/precedence.ts";
import type { Service, ServicePort } from "./ir/service.ts";
import { isHttp } from "./port-protocol.ts";

/** @param path of what the object says of addresses */
export function checkListeners(
  own: Service,
  { namespace, path }: { readonly namespace: string; readonly path: string },
  check: Check,
): void {
  for (const address of own.addresses)
    for (const rival of servicesAt(address, own.host, namespace, check))
      for (const port of own.ports) checkAddress({ own, rival, port, address }, path, check);
  for (const port of own.ports)
    if (takesAnything(own, port)) checkOpenPort(own, port, namespace, check);
}

interface Meeting {
  readonly own: Service;
  readonly rival: Service;
  readonly port: ServicePort;
  readonly address: string;
}

function servicesAt(
  address: string,
  own: string,
  namespace: string,
  { cx, from, mesh }: Check,
): readonly Service[] {
  const domain = addressDomain(address);
  const hosts = [from.serviceExports, from.entryExports].flatMap(({ byAddress }) =>
    cx.get(byAddress, domain),
  );
  return [...new Set(hosts)]
    .filter((host) => host !== own)
    .flatMap((host) => mesh.service(host, namespace) ?? [])
    .filter(({ addresses }) => addresses.includes(address));
}

function checkAddress(meeting: Meeting, path: string, { report }: Check): void {
  const other = meeting.rival.ports.find(({ port }) => port === meeting.port.port);
  const message = other && lost(meeting, other);
  if (message !== undefined) report.add("MESH0134", path, message);
}

/** An address that a listener has of its own goes before what is told apart by requests' hosts. */
function lost({ own, rival, port, address }: Meeting, other: ServicePort): string | undefined {
  const where = `connections to ${address}:${port.port}`;
  const [isRequests, areRequests] = [isHttp(port.protocol), isHttp(other.protocol)];
  if (isRequests && !areRequests)
    return `${where} go to ${rival.source}, for which they are not HTTP but ${other.protocol}, so they cannot be told apart by their host: give the two different addresses or ports, or the same protocol`;
  // Of two entries the other is told; a Service has no status in which it could be.
  if (!isRequests && areRequests && !rival.registered)
    return `${where} come here, and not to ${rival.source}, which speaks ${other.protocol} there: leave out the address, or let port ${port.port} speak HTTP, too`;
  if (!isRequests && !areRequests && byPrecedence(rival, own) < 0)
    return `${where} go to ${rival.source}, ${whyFirst(rival, own)}: give the two different addresses or ports`;
  return undefined;
}

function whyFirst(first: Service, second: Service): string {
  if (!first.registered && second.registered) return "which as a Kubernetes Service comes first";
  return first.created === second.created
    ? "which is as old and whose name comes first"
    : `which is older (${first.created})`;
}

/** Clients come to it at addresses that nobody has told, and name no server. */
const takesAnything = ({ anyAddress }: Service, { protocol }: ServicePort): boolean =>
  anyAddress === true && (protocol === "tcp" || protocol === "auto");

function checkOpenPort(
  own: Service,
  { port, protocol }: ServicePort,
  namespace: string,
  { mesh, report }: Check,
): void {
  const rivals = mesh
    .openHosts(namespace, port)
    .filter((host) => host !== own.host)
    .flatMap((host) => mesh.service(host, namespace) ?? [])
    .filter((one) => one.ports.some((p) => p.port === port && takesAnything(one, p)))
    .toSorted(byPrecedence);
  const [first] = rivals;
  if (first !== undefined && byPrecedence(first, own) < 0)
    report.add(
      "MESH0134",
      "spec.addresses",
      `connections to port ${port} of addresses that nobody has go to ${first.source}, ${whyFirst(first, own)}: give its hosts addresses, or another port`,
    );
  else if (protocol === "tcp" && mesh.httpHosts(namespace, port).length > 0)
    report.add(
      "MESH0134",
      "spec.addresses",
      `others speak HTTP on port ${port}, so what comes there is looked into: requests go where their host is, only other bytes come here, and a server that speaks first is waited for: give its hosts addresses, or another port`,
    );
}
