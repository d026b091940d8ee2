import type { Mesh } from "../../model/ir/mesh.ts";

/** Ports of a host whose protocol is found out on the wire, each with its own route configuration. */
export const detectedPorts = (mesh: Mesh, host: string, namespace: string): readonly number[] =>
  (mesh.service(host, namespace)?.ports ?? [])
    .filter(({ protocol }) => protocol === "auto")
    .map(({ port }) => port);
