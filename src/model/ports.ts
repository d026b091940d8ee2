/** Which ports of a service are of which kind for its clients. */
import type { Service } from "./ir/service.ts";
import { isHttp } from "./port-protocol.ts";

/** Whether its connections come to addresses that no listener has of its own. */
const isOpen = ({ anyAddress, subnets }: Service): boolean =>
  anyAddress === true || subnets !== undefined;

/** Where requests tell the host. */
export const httpPorts = (service: Service): readonly number[] =>
  service.ports
    .filter(({ protocol }) => isHttp(protocol) || (protocol === "auto" && isOpen(service)))
    .map(({ port }) => port);

/** Where clients come to addresses we do not know, and do not (surely) speak HTTP. */
export const openPorts = (service: Service): readonly number[] =>
  isOpen(service)
    ? service.ports.filter(({ protocol }) => !isHttp(protocol)).map(({ port }) => port)
    : [];

export const hasStreams = ({ ports }: Service): boolean =>
  ports.some(({ protocol }) => !isHttp(protocol));
