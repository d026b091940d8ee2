/** What a gRPC library asks for when it dials `xds:///HOST:PORT`, and the keys of what it gets. */
import type { Mesh } from "../../model/ir/mesh.ts";
import type { ProxyView } from "../view.ts";

export interface Dialled {
  readonly host: string;
  readonly port: number;
}

export const dialledName = ({ host, port }: Dialled): string => `${host}:${port}`;

export function parseDialled(name: string): Dialled {
  const colon = name.lastIndexOf(":");
  return { host: name.slice(0, colon), port: Number(name.slice(colon + 1)) };
}

/** Hosts that the library may dial: the groups of all rows for it. */
export const dialledHosts = (mesh: Mesh, view: ProxyView): readonly string[] =>
  view.kind === "grpc" ? mesh.hosts(mesh.scope(view)) : [];

export const dialledPorts = (mesh: Mesh, host: string, namespace: string): readonly Dialled[] =>
  (mesh.service(host, namespace)?.ports ?? []).map(({ port }) => ({ host, port }));
