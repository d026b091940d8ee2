/** What a VirtualService names that some other object must define. */
import type { VirtualServiceSpec, VirtualServiceSpecHttp } from "../../api/gen/virtual-service.ts";
import { defined } from "../../util/defined.ts";
import { fullHost, isHost } from "../host.ts";
import { gatewayKey, MESH_GATEWAY } from "./gateway-key.ts";
import type { Site } from "./site.ts";

export interface DestinationReference {
  /** Where in the object. */
  readonly path: string;
  readonly host: string;
  readonly port?: number;
  readonly subset?: string;
}

export interface References {
  readonly destinations: readonly DestinationReference[];
  /** Gateways as `namespace/name`; sidecars are not among them. */
  readonly gateways: readonly { readonly path: string; readonly gateway: string }[];
  /** VirtualServices that fill its rules, as `namespace/name`. */
  readonly delegates: readonly { readonly path: string; readonly delegate: string }[];
}

interface Destination {
  readonly host?: string;
  readonly subset?: string;
  readonly port?: { readonly number?: number };
}

type At = readonly [path: string, destination: Destination | undefined];

export const delegateKey = (
  { name = "", namespace }: NonNullable<VirtualServiceSpecHttp["delegate"]>,
  own: string,
): string => `${namespace || own}/${name}`;

export function referencesOf(
  { http = [], tcp = [], tls = [], gateways = [] }: VirtualServiceSpec,
  { namespace, clusterDomain }: Pick<Site, "namespace" | "clusterDomain">,
): References {
  const all = [
    ...http.flatMap((rule, i) => ofHttp(rule, `spec.http[${i}]`)),
    ...tcp.flatMap(({ route = [] }, i) => ofRoutes(route, `spec.tcp[${i}].route`)),
    ...tls.flatMap(({ route = [] }, i) => ofRoutes(route, `spec.tls[${i}].route`)),
  ];
  return {
    destinations: all.flatMap(([path, { host = "", subset, port } = {}]) => {
      const full = fullHost(host, namespace, clusterDomain);
      // What is no host has been told already.
      if (!isHost(full)) return [];
      return [
        { path, host: full, ...defined({ subset: subset || undefined, port: port?.number }) },
      ];
    }),
    gateways: gateways
      .map((name, i) => ({ path: `spec.gateways[${i}]`, gateway: gatewayKey(name, namespace) }))
      .filter(({ gateway }) => gateway !== MESH_GATEWAY),
    delegates: http.flatMap(({ delegate }, i) =>
      delegate
        ? [{ path: `spec.http[${i}].delegate`, delegate: delegateKey(delegate, namespace) }]
        : [],
    ),
  };
}

function ofHttp({ route = [], mirror, mirrors = [] }: VirtualServiceSpecHttp, path: string): At[] {
  return [
    ...ofRoutes(route, `${path}.route`),
    ...(mirror ? [[`${path}.mirror`, mirror] as const] : []),
    ...ofRoutes(mirrors, `${path}.mirrors`),
  ];
}

const ofRoutes = (routes: readonly { readonly destination?: Destination }[], path: string): At[] =>
  routes.map(({ destination }, i) => [`${path}[${i}].destination`, destination]);
