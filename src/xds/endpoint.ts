/** Where a service's traffic can go. */
import { outboundClusterNames, targetOf } from "./cluster/outbound.ts";
import { loadAssignment } from "./load-assignment.ts";
import type { Translator } from "./translator.ts";

export const clusterLoadAssignments: Translator = {
  type: "ClusterLoadAssignment",
  groups: (mesh, { namespace }) => mesh.hosts(namespace),
  keys: (mesh, view, host) =>
    outboundClusterNames(mesh, host, view.namespace).filter(
      (name) => targetOf(mesh, view, name)?.endpoints === "listed",
    ),
  resource(mesh, view, key) {
    const target = targetOf(mesh, view, key);
    if (target?.endpoints !== "listed") return undefined;
    const { cluster, port, labels } = target;
    const wanted = { name: key, portName: port.name, labels };
    const body = loadAssignment(wanted, mesh.endpoints(cluster.host, view.namespace));
    const isEmpty = body.endpoints?.length === 0;
    return { name: key, body, clusters: [], ...(isEmpty && { isEmpty }) };
  },
};
