/** Clusters that only gateways have: their own pod's endpoints, and services that they pass TLS on to. */
import type { Mesh } from "../../model/ir/mesh.ts";
import { narrower } from "../../model/ir/server-hosts.ts";
import { textAddress } from "../address.ts";
import { ADS } from "../config-source.ts";
import { serversByListener } from "../gateway.ts";
import { loadAssignment } from "../load-assignment.ts";
import { localClusterName, outboundClusterName, parseServerName, serverName } from "../names.ts";
import type { Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { outboundClusterNames, type Target, targetOf, viewpoint } from "./outbound.ts";
import { balancingPolicy, clusterPolicy } from "./policy.ts";
import { protocolOptions } from "./protocol.ts";

const serversOf = (mesh: Mesh, view: ProxyView) =>
  [...serversByListener(mesh, view).values()].flat().map(({ server }) => server);

/** By the name of the cluster. */
const localEndpoints = (mesh: Mesh, view: ProxyView): ReadonlyMap<string, string> =>
  new Map(
    serversOf(mesh, view)
      .flatMap(({ defaultEndpoint }) => defaultEndpoint ?? [])
      .map((endpoint) => [localClusterName(endpoint), endpoint]),
  );

export const localClusters: Translator = {
  type: "Cluster",
  keys: (mesh, view) => [...localEndpoints(mesh, view).keys()].sort(),
  resource(mesh, view, key) {
    const endpoint = localEndpoints(mesh, view).get(key);
    if (endpoint === undefined) return undefined;
    const lbEndpoints = [{ endpoint: { address: textAddress(endpoint) } }];
    const body = {
      name: key,
      type: "STATIC",
      loadAssignment: { clusterName: key, endpoints: [{ lbEndpoints }] },
      ...clusterPolicy({}),
      ...protocolOptions("auto"),
    };
    return { name: key, body, clusters: [] };
  },
};

/** Whether one of the gateway's servers passes connections on to the host. */
const passesTo = (mesh: Mesh, view: ProxyView, host: string): boolean =>
  serversOf(mesh, view).some(
    ({ tls, hosts }) =>
      tls?.mode === "to-service" && hosts.some((one) => narrower(one.host, host) === host),
  );

const passedHosts = (mesh: Mesh, view: ProxyView): readonly string[] =>
  serversOf(mesh, view).some(({ tls }) => tls?.mode === "to-service")
    ? mesh.hosts(mesh.scope(view))
    : [];

/** The names by which clients of the mesh greet the host. */
const greetings = (mesh: Mesh, view: ProxyView, host: string): readonly string[] =>
  passesTo(mesh, view, host)
    ? outboundClusterNames(mesh, host, view.namespace).flatMap((name) => {
        const target = targetOf(mesh, view, name);
        return target?.endpoints === "listed" ? serverName(target.cluster) : [];
      })
    : [];

function greeted(mesh: Mesh, view: ProxyView, name: string): Target | undefined {
  const cluster = parseServerName(name);
  const target = cluster && targetOf(mesh, view, outboundClusterName(cluster));
  return target?.endpoints === "listed" ? target : undefined;
}

/** Bytes as they come: the TLS is between the mesh's workloads. */
export const passedClusters: Translator = {
  type: "Cluster",
  groups: passedHosts,
  keys: greetings,
  resource(mesh, view, key) {
    const target = greeted(mesh, view, key);
    if (target === undefined) return undefined;
    const body = {
      name: key,
      ...clusterPolicy(target.policy),
      type: "EDS",
      edsClusterConfig: { edsConfig: ADS },
      ...balancingPolicy(target.policy, target.nearness),
    };
    return { name: key, body, clusters: [] };
  },
};

/** Endpoints that take the mesh's TLS; to others the bytes would be noise. */
export const passedEndpoints: Translator = {
  type: "ClusterLoadAssignment",
  groups: passedHosts,
  keys: greetings,
  resource(mesh, view, key) {
    const target = greeted(mesh, view, key);
    if (target === undefined) return undefined;
    const { cluster, port, labels } = target;
    const endpoints = mesh.endpoints(cluster.host, view.namespace).filter(({ tls }) => tls);
    const wanted = { name: key, portName: port.name, labels };
    const body = loadAssignment(wanted, endpoints, viewpoint(target, view));
    const isEmpty = body.endpoints?.length === 0;
    return { name: key, body, clusters: [key], ...(isEmpty && { isEmpty }) };
  },
};
