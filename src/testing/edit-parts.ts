/** Parts of random objects that have nothing in common with others. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";

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

export const localityLbSetting = fc.constantFrom(
  undefined,
  undefined,
  {},
  { enabled: false },
  { distribute: [{ from: "west/*", to: { "west/north/*": 70, "east/*": 30 } }] },
  { failover: [{ from: "west", to: "east" }] },
  { failoverPriority: ["version", "topology.istio.io/network"] },
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

/** Of a gateway's server. */
export const serverParts = {
  tls: fc.constantFrom(
    undefined,
    { httpsRedirect: true },
    { mode: "SIMPLE", credentialName: "cert" },
    { mode: "MUTUAL", credentialName: "cert", insecureSkipVerify: true },
    { mode: "ISTIO_MUTUAL" },
    { mode: "PASSTHROUGH" },
    { mode: "AUTO_PASSTHROUGH" },
  ),
  name: fc.constantFrom(undefined, undefined, "named"),
  bind: fc.constantFrom(undefined, undefined, "127.0.0.1", "unix:///tmp/gateway.sock", "nowhere"),
  defaultEndpoint: fc.constantFrom(undefined, undefined, "127.0.0.1:9000", "10.0.0.1:80"),
};
