/**
 * The world of the scale benchmark, in the shape istiod was measured with: services with two HTTP
 * ports and five endpoints each, and VirtualServices and DestinationRules for a quarter of them,
 * spread over four namespaces. Sizes scale by a factor so that growth can be seen.
 */
import type { KubeObject } from "../../../src/api/object.ts";

export interface Size {
  readonly services: number;
  readonly routed: number;
  readonly endpoints: number;
  readonly proxies: number;
  /** Whether endpoints are pods with sidecars; otherwise they are outside the mesh. */
  readonly mtls: boolean;
}

export const NAMESPACES = ["world-0", "world-1", "world-2", "world-3"] as const;

export const namespaceOf = (index: number): string => NAMESPACES[index % NAMESPACES.length] ?? "";
export const serviceName = (index: number): string => `svc-${index}`;

type Object = KubeObject & Readonly<Record<string, unknown>>;

export function namespaces(): Object[] {
  return NAMESPACES.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
}

export function service(index: number): Object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: serviceName(index), namespace: namespaceOf(index) },
    spec: {
      selector: { app: serviceName(index) },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "http-admin", port: 8081, targetPort: 8081 },
      ],
    },
  };
}

/** An address outside every pod range of the benchmark's API server: nothing answers there. */
const address = (index: number, endpoint: number): string =>
  `10.${100 + (index >> 13)}.${(index >> 5) & 255}.${((index & 31) << 3) | endpoint}`;

/** `shift` moves the last of them, which is one changed endpoint. */
export function endpointSlice(index: number, { endpoints, mtls }: Size, shift = 0): Object {
  const addresses = Array.from({ length: endpoints }, (_, i) =>
    address(index, i === endpoints - 1 ? i + shift : i),
  );
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${serviceName(index)}-1`,
      namespace: namespaceOf(index),
      labels: { "kubernetes.io/service-name": serviceName(index) },
    },
    addressType: "IPv4",
    ports: [
      { name: "http", port: 8080, protocol: "TCP" },
      { name: "http-admin", port: 8081, protocol: "TCP" },
    ],
    endpoints: addresses.map((ip, i) => ({
      addresses: [ip],
      conditions: { ready: true },
      ...(mtls && {
        targetRef: { kind: "Pod", name: serverName(index, i), namespace: namespaceOf(index) },
      }),
    })),
  };
}

/** Of an EndpointSlice. */
export const addressesOf = (slice: Object): readonly string[] =>
  (slice["endpoints"] as readonly { readonly addresses: readonly string[] }[]).flatMap(
    ({ addresses }) => addresses,
  );

const serverName = (index: number, endpoint: number): string => `${serviceName(index)}-${endpoint}`;

/** The pods behind a service, with sidecars, in two versions. */
export const serverPods = (index: number, { endpoints }: Size): Object[] =>
  Array.from({ length: endpoints }, (_, i) =>
    pod(serverName(index, i), {
      namespace: namespaceOf(index),
      labels: { app: serviceName(index), version: `v${1 + (i % 2)}` },
    }),
  );

export function destinationRule(index: number): Object {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: serviceName(index), namespace: namespaceOf(index) },
    spec: {
      host: serviceName(index),
      subsets: [
        { name: "v1", labels: { version: "v1" } },
        { name: "v2", labels: { version: "v2" } },
      ],
    },
  };
}

/** `mark` becomes a header that the route sets, so that an edit can be told in what proxies get. */
export function virtualService(index: number, mark: string): Object {
  const host = serviceName(index);
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: host, namespace: namespaceOf(index) },
    spec: {
      hosts: [host],
      http: [
        {
          match: [{ headers: { "end-user": { exact: "jason" } } }],
          headers: { request: { set: { "x-mark": mark } } },
          route: [{ destination: { host, subset: "v2" } }],
        },
        {
          route: [
            { destination: { host, subset: "v1" }, weight: 90 },
            { destination: { host, subset: "v2" }, weight: 10 },
          ],
        },
      ],
    },
  };
}

/** It gives a fake proxy its identity. */
export const proxyPod = (index: number): Object =>
  pod(`proxy-${index}`, { namespace: namespaceOf(index), labels: { app: "load" } });

interface PodTerms {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A pod with a sidecar, which no kubelet runs. */
function pod(name: string, { namespace, labels }: PodTerms): Object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { ...labels, "security.istio.io/tlsMode": "istio" } },
    spec: {
      serviceAccountName: "default",
      automountServiceAccountToken: false,
      nodeName: "nowhere",
      containers: [{ name: "app", image: "none" }],
    },
  };
}
