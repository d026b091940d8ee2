/** Where a service's traffic can go. */
import type { Mesh } from "../model/ir/mesh.ts";
import {
  assignmentOf,
  mayBeListed,
  outboundClusterNames,
  standpointOf,
  type Target,
  targetOf,
  viewpoint,
} from "./cluster/outbound.ts";
import { dialledHosts } from "./grpc/name.ts";
import { loadAssignment } from "./load-assignment.ts";
import { outboundClusterName } from "./names.ts";
import type { Translated, Translator } from "./translator.ts";
import type { ProxyView } from "./view.ts";

/** Keys are the clusters' names; whose endpoints they are and of what kind is in those of resources. */
export const clusterLoadAssignments: Translator = {
  type: "ClusterLoadAssignment",
  groups: (mesh, view) => (view.kind === "grpc" ? [] : mesh.hosts(mesh.scope(view))),
  keys: listed,
  standpoint: standpointOf,
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    return target && assignment(mesh, view, target, assignmentOf(mesh, view, target));
  },
};

/** A library speaks no TLS of the mesh, and looks for endpoints by the cluster's name. */
export const grpcLoadAssignments: Translator = {
  type: "ClusterLoadAssignment",
  groups: dialledHosts,
  keys: listed,
  standpoint: standpointOf,
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    return target && assignment(mesh, view, target, key);
  },
};

/** A policy may decide for some proxies that theirs are not listed: it is looked at with each. */
function listed(mesh: Mesh, { namespace }: ProxyView, host: string): readonly string[] {
  const service = mesh.service(host, namespace);
  return service && mayBeListed(service) ? outboundClusterNames(mesh, host, namespace) : [];
}

function assignment(
  mesh: Mesh,
  view: ProxyView,
  target: Target,
  name: string,
): Translated | undefined {
  const { cluster, port, labels } = target;
  if (target.endpoints !== "listed") return undefined;
  const wanted = { name, portName: port.name, labels };
  const endpoints = mesh.endpoints(cluster.host, view.namespace);
  const body = loadAssignment(wanted, endpoints, viewpoint(target, view));
  const isEmpty = body.endpoints?.length === 0;
  const clusters = [outboundClusterName(cluster)];
  return { name, body, clusters, ...(isEmpty && { isEmpty }) };
}
