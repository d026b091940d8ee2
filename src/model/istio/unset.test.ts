/** Helm charts leave empty lists and texts where nothing is set, and Istio takes them so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import type { KubeObject } from "../../api/object.ts";
import { modelOf } from "../../testing/fixtures.ts";
import { lowerService } from "../kube.ts";
import { lowerDestinationRule } from "./destination-rule.ts";
import { lowerGateway } from "./gateway.ts";
import { lowerServiceEntry } from "./service-entry.ts";
import { lowerSidecar } from "./sidecar.ts";
import { lowerVirtualService } from "./virtual-service.ts";

const LOWER: Readonly<Record<string, (object: never, domain: string) => unknown>> = {
  VirtualService: lowerVirtualService,
  DestinationRule: lowerDestinationRule,
  Gateway: lowerGateway,
  ServiceEntry: lowerServiceEntry,
  Sidecar: lowerSidecar,
};

function lowered(kind: string, spec: string): unknown {
  const metadata = { name: "a", namespace: "one" };
  const object: KubeObject = { apiVersion: "v1", kind, metadata, spec: parse(spec) };
  // What a user writes has no type.
  return LOWER[kind]?.(object as never, "cluster.local");
}

const route = (rest: string): string => `{hosts: [a.com], http: [{${rest}}]}`;
const TO = "route: [{destination: {host: b}}]";
const tls = (rest: string): string =>
  `{host: a.com, trafficPolicy: {tls: {mode: MUTUAL, ${rest}}}}`;
const near = (rest: string): string =>
  `{host: a.com, trafficPolicy: {loadBalancer: {localityLbSetting: {${rest}}}}}`;
const server = (rest: string): string =>
  `{selector: {a: b}, servers: [{port: {number: 443, name: a, protocol: HTTPS}, hosts: [a.com], tls: {mode: SIMPLE, ${rest}}}]}`;

for (const [kind, empty, bare] of [
  ["VirtualService", `{gateways: [], hosts: [a.com], http: [{${TO}}]}`, route(TO)],
  ["VirtualService", route(`name: "", ${TO}`), route(TO)],
  ["VirtualService", route(`match: [{gateways: []}], ${TO}`), route(`match: [{}], ${TO}`)],
  ["VirtualService", route(`match: [{sourceNamespace: ""}], ${TO}`), route(`match: [{}], ${TO}`)],
  ["VirtualService", route(`match: [{port: 0}], ${TO}`), route(`match: [{}], ${TO}`)],
  ["VirtualService", route(`match: [{statPrefix: ""}], ${TO}`), route(`match: [{}], ${TO}`)],
  ["VirtualService", route(`route: [{destination: {host: b, subset: ""}}]`), route(TO)],
  ["VirtualService", route(`delegate: {name: b, namespace: ""}`), route(`delegate: {name: b}`)],
  ["VirtualService", route(`delegate: {name: b}, route: []`), route(`delegate: {name: b}`)],
  [
    "VirtualService",
    route(`redirect: {uri: /x, prefixRewrite: "", authority: "", scheme: ""}`),
    route(`redirect: {uri: /x}`),
  ],
  [
    "VirtualService",
    route(`rewrite: {uri: "", authority: "", uriRegexRewrite: {match: a, rewrite: b}}, ${TO}`),
    route(`rewrite: {uriRegexRewrite: {match: a, rewrite: b}}, ${TO}`),
  ],
  [
    "VirtualService",
    `{hosts: [a.com], tcp: [{match: [{destinationSubnets: [], sourceSubnet: "", port: 0, sourceNamespace: "", gateways: []}], ${TO}}]}`,
    `{hosts: [a.com], tcp: [{match: [{}], ${TO}}]}`,
  ],
  [
    "VirtualService",
    `{hosts: [a.com], tls: [{match: [{sniHosts: []}], ${TO}}]}`,
    `{hosts: [a.com], tls: [{match: [{}], ${TO}}]}`,
  ],
  ["DestinationRule", "{host: a.com, exportTo: []}", "{host: a.com}"],
  ["DestinationRule", "{host: a.com, subsets: []}", "{host: a.com}"],
  [
    "DestinationRule",
    "{host: a.com, workloadSelector: {}}",
    "{host: a.com, workloadSelector: {matchLabels: {}}}",
  ],
  [
    "DestinationRule",
    tls(
      `clientCertificate: "", privateKey: "", caCertificates: "", caCrl: "", sni: "", credentialName: b`,
    ),
    tls("credentialName: b"),
  ],
  [
    "DestinationRule",
    tls(`clientCertificate: b, privateKey: c, credentialName: ""`),
    tls("clientCertificate: b, privateKey: c"),
  ],
  ["DestinationRule", near("distribute: [], failover: [], failoverPriority: []"), near("")],
  [
    "Gateway",
    server(
      `credentialName: b, credentialNames: [], tlsCertificates: [], caCertificates: "", caCrl: ""`,
    ),
    server("credentialName: b"),
  ],
  [
    "Gateway",
    server(`credentialName: b, serverCertificate: "", privateKey: ""`),
    server("credentialName: b"),
  ],
  [
    "Gateway",
    server("serverCertificate: b, privateKey: c, tlsCertificates: []"),
    server("serverCertificate: b, privateKey: c"),
  ],
  [
    "ServiceEntry",
    `{hosts: [a.com], exportTo: [], addresses: [], subjectAltNames: [], endpoints: [{address: 1.2.3.4, network: "", serviceAccount: ""}], resolution: STATIC}`,
    "{hosts: [a.com], endpoints: [{address: 1.2.3.4}], resolution: STATIC}",
  ],
  [
    "Sidecar",
    `{ingress: [], egress: [{hosts: ["./*"], bind: "", port: {number: 80, protocol: "", name: a}}], workloadSelector: {labels: {}}}`,
    `{egress: [{hosts: ["./*"], port: {number: 80, name: a}}]}`,
  ],
  [
    "Sidecar",
    `{ingress: [{port: {number: 80}, bind: "", defaultEndpoint: ""}], outboundTrafficPolicy: {egressProxy: {host: a.com, port: {number: 80}, subset: ""}}}`,
    `{ingress: [{port: {number: 80}}], outboundTrafficPolicy: {egressProxy: {host: a.com, port: {number: 80}}}}`,
  ],
] as const)
  test(`${kind} ${empty} is ${bare}`, () => {
    assert.deepEqual(lowered(kind, empty), lowered(kind, bare));
  });

test("a Service whose annotation exports it to nobody in particular is exported to all", () => {
  const metadata = { name: "a", annotations: { "networking.istio.io/exportTo": "" } };
  const { value } = lowerService({ apiVersion: "v1", kind: "Service", metadata }, "cluster.local");
  assert.deepEqual(value?.exportTo, ["*"]);
});

test("a VirtualService with no gateways in its list is for sidecars", () => {
  const { engine, mesh } = modelOf(
    `{kind: VirtualService, metadata: {name: a}, spec: {hosts: [a.com], gateways: [], http: [{${TO}}]}}`,
  );
  assert.equal(mesh(engine).routesFor("a.com", "default").length, 1);
});
