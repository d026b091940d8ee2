/** Where a service's traffic can go. */
import { mayBeListed, outboundClusterNames, standpointOf, targetOf } from "./cluster/outbound.ts";
import { loadAssignment } from "./load-assignment.ts";
import type { Translator } from "./translator.ts";

export const clusterLoadAssignments: Translator = {
  type: "ClusterLoadAssignment",
  groups: (mesh, view) => mesh.hosts(mesh.scope(view)),
  // A policy may decide for some proxies that theirs are not listed: it is looked at with each.
  keys(mesh, { namespace }, host) {
    const service = mesh.service(host, namespace);
    return service && mayBeListed(service) ? outboundClusterNames(mesh, host, namespace) : [];
  },
  standpoint: standpointOf,
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    if (target?.endpoints !== "listed") return undefined;
    const { cluster, port, labels, nearness } = target;
    const wanted = { name: key, portName: port.name, labels };
    const from = { nearness, client: view };
    const body = loadAssignment(wanted, mesh.endpoints(cluster.host, view.namespace), from);
    const isEmpty = body.endpoints?.length === 0;
    return { name: key, body, clusters: [], ...(isEmpty && { isEmpty }) };
  },
};
