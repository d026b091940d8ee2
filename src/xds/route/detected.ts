import type { Mesh } from "../../model/ir/mesh.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Ports whose protocol is found out on the wire, each with a route configuration of its own. */
export function detectedPorts(mesh: Mesh, namespace: string): readonly HostPort[] {
  return mesh
    .streamHosts(namespace)
    .flatMap((host) =>
      (mesh.service(host)?.ports ?? [])
        .filter(({ protocol }) => protocol === "auto")
        .map(({ port }) => ({ host, port })),
    );
}
