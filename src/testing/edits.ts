/** Random edits of every kind of object, for laws that must hold whatever users do. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";
import { objectKey } from "../api/object.ts";
import type { MeshModel } from "../model/dataflow.ts";
import { localityLbSetting, near, node, secret, serverParts, trafficPolicy } from "./edit-parts.ts";
import { serviceEntry, workloadEntry } from "./edits-entries.ts";
import { envoyFilter } from "./edits-envoy-filter.ts";
import { edge } from "./edits-gateway.ts";
import { sinkFor } from "./fixtures.ts";
import { sidecar } from "./sidecar-edits.ts";

/** The objects of a world, by kind and key: what a model made from scratch would be given. */
export type Objects = Map<string, KubeObject>;

export type Edit =
  | { readonly kind: "upsert"; readonly object: KubeObject }
  | { readonly kind: "remove"; readonly object: KubeObject }
  /** A new list of one kind: what is not in it is gone. */
  | { readonly kind: "replace"; readonly of: string; readonly objects: readonly KubeObject[] };

/** Few names, so that objects meet: the same hosts, namespaces, labels and ports over and over. */
const namespace = fc.constantFrom("one", "two");
const app = fc.constantFrom("web", "api", "db");
const version = fc.constantFrom("v1", "v2");
const port = fc.constantFrom(80, 9080);
const created = fc.constantFrom(
  "2026-01-01T00:00:00Z",
  "2026-01-02T00:00:00Z",
  "2026-01-03T00:00:00Z",
);
const exportTo = fc.constantFrom<readonly string[] | undefined>(
  undefined,
  ["*"],
  ["."],
  ["one"],
  ["~"],
);
const host = fc.oneof(
  app,
  fc.tuple(app, namespace).map(([name, ns]) => `${name}.${ns}.svc.cluster.local`),
  fc.constantFrom("web.one", "*.one.svc.cluster.local", "www.example.com", "*.example.com", "*"),
);
const destination = fc.record({
  host: fc.oneof({ weight: 4, arbitrary: app }, { weight: 1, arbitrary: host }),
  port: fc.option(
    port.map((number) => ({ number })),
    { nil: undefined },
  ),
  subset: fc.option(version, { nil: undefined }),
});

interface Meta {
  readonly namespace: string;
  readonly name: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const object = (kind: string, metadata: Meta, content: object): KubeObject => ({
  apiVersion: "test/v1",
  kind,
  metadata,
  ...content,
});

/** For a host outside, for those of Services and ServiceEntries, and for each other. */
const externalName = fc.oneof(
  fc.constantFrom("www.example.org", "www.example.com.", "api.example.com"),
  fc.tuple(app, namespace).map(([name, ns]) => `${name}.${ns}.svc.cluster.local`),
);

const service = fc
  .record({
    externalName,
    namespace,
    name: app,
    created,
    exportTo,
    type: fc.constantFrom("cluster", "headless", "external"),
    near,
    ports: fc.uniqueArray(
      fc.record({
        port,
        name: fc.constantFrom("http", "grpc", "tcp", "any", "https"),
        targetPort: fc.constantFrom(8080, "named"),
      }),
      { selector: (p) => p.port, maxLength: 2 },
    ),
    labels: fc.constantFrom("app", "version"),
  })
  .map(({ type, ports, labels, exportTo: to, near: preferred, externalName: other, ...of }) =>
    object(
      "Service",
      {
        namespace: of.namespace,
        name: of.name,
        creationTimestamp: of.created,
        annotations: to ? { "networking.istio.io/exportTo": to.join(",") } : {},
      },
      {
        spec: {
          ...preferred,
          ...(type === "external"
            ? { type: "ExternalName", externalName: other }
            : { clusterIP: type === "headless" ? "None" : address(of.namespace, of.name) }),
          selector: labels === "app" ? { app: of.name } : { app: of.name, version: "v1" },
          ports: ports.map((p) => ({ ...p, name: `${p.name}-${p.port}` })),
        },
      },
    ),
  );

const address = (ns: string, name: string): string => `10.96.${ns.length}.${name.length}`;

const pod = fc
  .record({
    namespace,
    app,
    version,
    index: fc.nat(1),
    mesh: fc.boolean(),
    done: fc.boolean(),
    ready: fc.boolean(),
    place: fc.constantFrom(undefined, undefined, "west.south"),
  })
  .map(({ index, mesh, done, ready, place, ...of }) =>
    object(
      "Pod",
      {
        namespace: of.namespace,
        name: `${of.app}-${index}`,
        labels: {
          app: of.app,
          version: of.version,
          ...(mesh && { "security.istio.io/tlsMode": "istio" }),
          ...(index === 1 && { istio: "gateway", "meshwright.dev/proxy": "gateway" }),
          ...(place !== undefined && { "istio-locality": place }),
        },
      },
      {
        spec: {
          serviceAccountName: of.app,
          nodeName: `node-${index}`,
          containers: [{ name: "c", ports: [{ name: "named", containerPort: 9999 }] }],
        },
        status: {
          phase: done ? "Succeeded" : "Running",
          podIP: `10.1.${index}.1`,
          conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
        },
      },
    ),
  );

const endpointSlice = fc
  .record({
    namespace,
    app,
    part: fc.nat(1),
    ready: fc.boolean(),
    port,
    name: fc.constantFrom("http-80", "tcp-9080", "any-80"),
  })
  .map(({ part, ready, ...of }) =>
    object(
      "EndpointSlice",
      {
        namespace: of.namespace,
        name: `${of.app}-${part}`,
        labels: { "kubernetes.io/service-name": of.app },
      },
      {
        addressType: "IPv4",
        ports: [{ name: of.name, port: of.port }],
        endpoints: [0, 1].map((index) => ({
          addresses: [`10.1.${index}.1`],
          nodeName: `node-${index}`,
          conditions: { ready: ready || index === 0, serving: true, terminating: !ready },
          targetRef: { kind: "Pod", namespace: of.namespace, name: `${of.app}-${index}` },
        })),
      },
    ),
  );

const match = fc.oneof(
  fc.constant({}),
  fc.record({
    uri: fc.constantFrom({ prefix: "/a" }, { exact: "/b" }, { regex: "(" }, { regex: "a+" }),
  }),
  fc.record({ sourceLabels: version.map((v) => ({ version: v })) }),
  fc.record({ sourceNamespace: namespace }),
  fc.record({ port }),
  fc.record({ gateways: fc.constantFrom(["mesh"], ["one/edge"]) }),
  fc.record({ headers: fc.constant({ "x-user": { exact: "jason" } }) }),
  fc.record({ withoutHeaders: fc.constant({ "@request.auth.claims.group": { exact: "dev" } }) }),
);

const rule = fc.oneof(
  fc.record({
    match: fc.option(fc.array(match, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    route: fc.array(fc.record({ destination, weight: fc.constantFrom(0, 10, 90) }), {
      maxLength: 2,
    }),
    timeout: fc.constantFrom(undefined, "1s", "soon"),
    fault: fc.constantFrom(undefined, {
      delay: { percentage: { value: 50 }, fixedDelay: "1s" },
      abort: { percentage: { value: 200 }, httpStatus: 503 },
    }),
    mirror: fc.option(destination, { nil: undefined }),
    corsPolicy: fc.constantFrom(undefined, { allowOrigins: [{ exact: "x" }, { regex: "(" }] }),
  }),
  fc.record({
    match: fc.option(fc.array(match, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    delegate: fc.record({ name: fc.constantFrom("routes", "more-routes"), namespace }),
  }),
  fc.record({
    redirect: fc.constantFrom(
      { uri: "/x" },
      { redirectCode: 418 },
      { derivePort: "FROM_REQUEST_PORT" },
    ),
  }),
  fc.record({
    directResponse: fc.constantFrom(
      { status: 200 },
      { status: 7 },
      { status: 200, body: { bytes: "iVBORw0KGgo=" } },
    ),
  }),
);

const streamMatch = fc.constantFrom(
  [{ port: 9080 }],
  [],
  [{ sourceSubnet: "10.1.0.0/16" }],
  [{ destinationSubnets: ["10.96.0.0/16"], sourceSubnet: "nonsense" }],
);

const streamRoute = fc.array(fc.record({ destination, weight: fc.constantFrom(0, 50) }), {
  maxLength: 2,
});

const virtualService = fc
  .record({
    namespace,
    tcp: fc.option(
      fc.array(fc.record({ match: streamMatch, route: streamRoute }), {
        maxLength: 2,
      }),
      { nil: undefined },
    ),
    tls: fc.option(
      fc.array(
        fc.record({ match: fc.constant([{ sniHosts: ["www.example.com"] }]), route: streamRoute }),
        { maxLength: 1 },
      ),
      { nil: undefined },
    ),
    name: fc.constantFrom("routes", "more-routes"),
    created,
    hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 2 }),
    gateways: fc.constantFrom(undefined, [], ["mesh"], ["one/edge"], ["mesh", "edge"]),
    http: fc.array(rule, { maxLength: 3 }),
    exportTo,
  })
  .map(({ namespace: ns, name, created: creationTimestamp, ...spec }) =>
    object("VirtualService", { namespace: ns, name, creationTimestamp }, { spec }),
  );

const destinationRule = fc
  .record({
    namespace: fc.oneof(namespace, fc.constant("mesh-system")),
    name: fc.constantFrom("policy", "more-policy"),
    created,
    host,
    exportTo,
    workloadSelector: fc.constantFrom(undefined, undefined, { matchLabels: { version: "v1" } }),
    localityLbSetting,
    ports: fc.boolean(),
    simple: fc.constantFrom("RANDOM", "ROUND_ROBIN", "PASSTHROUGH", "FANCY"),
    tls: fc.constantFrom(
      undefined,
      { mode: "DISABLE" },
      { mode: "ISTIO_MUTUAL" },
      { mode: "ISTIO_MUTUAL", sni: "www.example.com", subjectAltNames: ["spiffe://a/b"] },
      { mode: "SIMPLE", sni: "www.example.com" },
      { mode: "SIMPLE", credentialName: "cert" },
      { mode: "MUTUAL", credentialName: "", clientCertificate: "", privateKey: "", caCrl: "" },
    ),
    subsets: fc.uniqueArray(fc.constantFrom("v1", "v2", ""), { maxLength: 2 }),
    outlierDetection: fc.constantFrom(undefined, { minHealthPercent: 50 }, {}),
    connectionPool: fc.constantFrom(undefined, { http: { http1MaxPendingRequests: 1 } }),
  })
  .map(
    ({
      namespace: ns,
      name,
      created: creationTimestamp,
      subsets,
      host: to,
      exportTo: seen,
      workloadSelector,
      ...policy
    }) =>
      object(
        "DestinationRule",
        { namespace: ns, name, creationTimestamp },
        {
          spec: {
            host: to,
            exportTo: seen,
            workloadSelector,
            trafficPolicy: trafficPolicy(policy),
            subsets: subsets.map((v) => ({ name: v, labels: { version: v } })),
          },
        },
      ),
  );

const gateway = fc
  .record({
    namespace,
    name: fc.constantFrom("edge", "other-edge"),
    created,
    servers: fc.array(
      fc.record({
        port: fc.record({
          number: port,
          protocol: fc.constantFrom("HTTP", "HTTP2", "SPDY", "HTTPS", "TCP", "TLS"),
        }),
        hosts: fc.uniqueArray(fc.oneof(host, fc.constant("one/*")), { minLength: 1, maxLength: 2 }),
        ...serverParts,
      }),
      { maxLength: 2 },
    ),
    selector: fc.constantFrom({ istio: "gateway" }, { istio: "other" }, {}),
  })
  .map(({ namespace: ns, name, created: creationTimestamp, servers, selector }) =>
    object(
      "Gateway",
      { namespace: ns, name, creationTimestamp },
      {
        spec: {
          selector,
          servers: servers.map((s, i) => ({ ...s, port: { ...s.port, name: `port-${i}` } })),
        },
      },
    ),
  );

export const anyObject: fc.Arbitrary<KubeObject> = fc.oneof(
  { weight: 4, arbitrary: service },
  { weight: 3, arbitrary: pod },
  { weight: 3, arbitrary: endpointSlice },
  { weight: 2, arbitrary: node },
  { weight: 5, arbitrary: virtualService },
  { weight: 4, arbitrary: destinationRule },
  { weight: 2, arbitrary: gateway },
  { weight: 4, arbitrary: edge },
  { weight: 2, arbitrary: secret },
  { weight: 4, arbitrary: serviceEntry },
  { weight: 3, arbitrary: workloadEntry },
  { weight: 2, arbitrary: envoyFilter },
  { weight: 2, arbitrary: sidecar },
);

const idOf = (of: KubeObject): string => `${of.kind} ${objectKey(of)}`;

export const editsOf = (objects: fc.Arbitrary<KubeObject>): fc.Arbitrary<Edit> =>
  fc.oneof(
    { weight: 12, arbitrary: objects.map((of): Edit => ({ kind: "upsert", object: of })) },
    { weight: 4, arbitrary: objects.map((of): Edit => ({ kind: "remove", object: of })) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(objects, { selector: idOf, maxLength: 6 }).map((all): Edit => {
        const kind = all[0]?.kind ?? "Service";
        return { kind: "replace", of: kind, objects: all.filter((of) => of.kind === kind) };
      }),
    },
  );

/** Makes an edit in a model, and in the list of what there is. */
export function edit(model: MeshModel, all: Objects, change: Edit): void {
  switch (change.kind) {
    case "upsert":
      all.set(idOf(change.object), change.object);
      sinkFor(model, change.object.kind).upsert(change.object);
      return;
    case "remove":
      all.delete(idOf(change.object));
      sinkFor(model, change.object.kind).remove(objectKey(change.object));
      return;
    case "replace":
      for (const [id, { kind }] of all) if (kind === change.of) all.delete(id);
      for (const of of change.objects) all.set(idOf(of), of);
      sinkFor(model, change.of).replace(change.objects);
  }
}
