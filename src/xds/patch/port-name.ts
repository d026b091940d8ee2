/** The names of ports, which patches may match by and Envoy's configuration does not have. */
import { serversByListener } from "../gateway.ts";
import { parseListener } from "../names.ts";
import type { Subject } from "./subject.ts";

/** @param inboundPort of a listener or filter chain for what comes in: the application's port */
export function hasPortName(sought: string, subject: Subject, inboundPort = 0): boolean {
  return portNames(subject, inboundPort).includes(sought);
}

function portNames(subject: Subject, inboundPort: number): readonly string[] {
  const { mesh, view, name, role } = subject;
  if (role === "inbound") return inboundNames(subject, inboundPort);
  const { address, port } = parseListener(name);
  if (role === "gateway")
    return (serversByListener(mesh, view).get(name) ?? []).map(({ server }) => server.name);
  const hosts =
    address === "0.0.0.0"
      ? mesh.httpHosts(mesh.scope(view), port)
      : mesh.streamHosts(mesh.scope(view)).filter((host) => hasAddress(subject, host, address));
  return hosts.flatMap((host) => servicePortNames(subject, host, port));
}

const inboundNames = (subject: Subject, inboundPort: number): readonly string[] =>
  (subject.mesh.workload(subject.view.workload)?.ports ?? [])
    .filter(({ port }) => port === inboundPort)
    .flatMap(({ host, servicePort }) => servicePortNames(subject, host, servicePort));

const hasAddress = ({ mesh, view }: Subject, host: string, address: string): boolean =>
  mesh.service(host, view.namespace)?.addresses.includes(address) ?? false;

const servicePortNames = ({ mesh, view }: Subject, host: string, port: number): readonly string[] =>
  (mesh.service(host, view.namespace)?.ports ?? []).flatMap((one) =>
    one.port === port ? [one.name] : [],
  );
