/** Parts of random objects that have nothing in common with others. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";
import { CREDENTIALS } from "./credentials.ts";

export const node = fc
  .record({
    index: fc.nat(1),
    region: fc.constantFrom("west", "east"),
    zone: fc.constantFrom("north", "south"),
    subzone: fc.constantFrom(undefined, "rack"),
  })
  .map(
    ({ index, region, zone, subzone }): KubeObject => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: `node-${index}`,
        labels: {
          "topology.kubernetes.io/region": region,
          "topology.kubernetes.io/zone": zone,
          ...(subzone && { "topology.istio.io/subzone": subzone }),
        },
      },
    }),
  );

/** Of a Service: which endpoints its clients get first, or alone. */
export const near = fc.record({
  trafficDistribution: fc.constantFrom(undefined, undefined, "PreferSameZone", "PreferSameNode"),
  internalTrafficPolicy: fc.constantFrom(undefined, undefined, "Cluster", "Local"),
});

export const localityLbSetting = fc.constantFrom(
  undefined,
  undefined,
  {},
  { enabled: false },
  { distribute: [{ from: "west/*", to: { "west/north/*": 70, "east/*": 30 } }] },
  { failover: [{ from: "west", to: "east" }] },
  { failoverPriority: ["version", "topology.istio.io/network"] },
  { failoverPriority: ["kubernetes.io/hostname"] },
);

interface RandomPolicy {
  readonly simple: string;
  readonly localityLbSetting: object | undefined;
  readonly ports: boolean;
}

export const trafficPolicy = ({
  simple,
  localityLbSetting: locality,
  ports,
  ...policy
}: RandomPolicy): object => ({
  loadBalancer: { simple, localityLbSetting: locality },
  ...(ports && { portLevelSettings: [{ port: { number: 80 }, tls: { mode: "DISABLE" } }] }),
  ...policy,
});

/** Some that are what they should be, and some that lack a part or whose parts do not fit. */
const credentialData = fc.constantFrom<readonly Readonly<Record<string, string>>[]>(
  [CREDENTIALS.ecdsa, CREDENTIALS.roots],
  [CREDENTIALS.rsa],
  [CREDENTIALS.roots],
  [CREDENTIALS.ecdsa, { "tls.key": CREDENTIALS.rsa["tls.key"] ?? "" }],
  [CREDENTIALS.rsa, { "tls.crt": "bm8=" }],
);

export const secret = fc
  .record({
    namespace: fc.constantFrom("one", "two"),
    name: fc.constantFrom("cert", "cert", "cert-cacert"),
    data: credentialData.map((parts): object => Object.assign({}, ...parts) as object),
  })
  .map(({ data, ...metadata }): KubeObject & { readonly data: object } => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata,
    data,
  }));

/** Of a gateway's server. */
export const serverParts = {
  tls: fc.constantFrom(
    undefined,
    { httpsRedirect: true },
    { mode: "SIMPLE", credentialName: "cert" },
    { mode: "MUTUAL", credentialName: "cert" },
    { mode: "MUTUAL", credentialName: "cert", insecureSkipVerify: true },
    { mode: "ISTIO_MUTUAL" },
    { mode: "PASSTHROUGH" },
    { mode: "AUTO_PASSTHROUGH" },
  ),
  name: fc.constantFrom(undefined, undefined, "named"),
  bind: fc.constantFrom(undefined, undefined, "127.0.0.1", "unix:///tmp/gateway.sock", "nowhere"),
  defaultEndpoint: fc.constantFrom(undefined, undefined, "127.0.0.1:9000", "10.0.0.1:80"),
};
