import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assignmentName,
  listenerName,
  outboundClusterName,
  parseListener,
  parseOutboundCluster,
  parseVirtualHost,
  secureGatewayRoute,
  serverName,
  type Takers,
  virtualHostName,
} from "./names.ts";

const CLUSTERS = [
  { name: "outbound|9080|v1|reviews.default.svc.cluster.local", sni: "outbound_.9080_.v1_." },
  { name: "outbound|80||www.example.com", sni: "outbound_.80_._." },
];

for (const { name, sni } of CLUSTERS)
  test(`${name} is read as it was written`, () => {
    const cluster = parseOutboundCluster(name);
    assert.ok(cluster);
    assert.equal(outboundClusterName(cluster), name);
    assert.equal(serverName(cluster), `${sni}${cluster.host}`);
  });

for (const name of ["inbound|9080||", "PassthroughCluster", "outbound|1|2", "outbound|1||a|b"])
  test(`${name} is no outbound cluster`, () => {
    assert.equal(parseOutboundCluster(name), undefined);
  });

const VIRTUAL_HOSTS = [
  { route: "9080", host: "reviews.default.svc.cluster.local", port: 9080 },
  { route: "80", host: "*", port: 80 },
  { route: "db.shop.svc.cluster.local:5432", host: "db.shop.svc.cluster.local", port: 5432 },
  {
    route: secureGatewayRoute({ port: 8443, server: "https", gateway: "edge/public" }),
    host: "*.example.com",
    port: 8443,
  },
  { route: "80", host: "fd00::1", port: 80 },
];

for (const key of VIRTUAL_HOSTS)
  test(`a virtual host's name says all of ${JSON.stringify(key)}`, () => {
    const name = virtualHostName(key.route, key.host, key.port);
    assert.equal(name, `${key.route}/${key.host}:${key.port}`);
    assert.deepEqual(parseVirtualHost(name), key);
  });

for (const address of ["0.0.0.0", "10.96.0.1", "fd00::1"])
  test(`a listener's name says ${address} and its port`, () => {
    assert.deepEqual(parseListener(listenerName(address, 80)), { address, port: 80 });
  });

test("endpoints are called after their kind and their cluster, and no two clusters' alike", () => {
  const named = (host: string, takers: Takers, subset?: string): string =>
    assignmentName(
      { host, port: 80, ...(subset !== undefined && { subset }) },
      { takers, clusterDomain: "cluster.local" },
    );
  assert.equal(named("web.shop.svc.cluster.local", "none", "v1"), "80|v1|web.shop.");
  assert.equal(named("web.shop.svc.cluster.local", "all"), "~80||web.shop.");
  assert.equal(named("web.shop", "some"), "?80||web.shop");
  assert.equal(named("svc.cluster.local", "none"), "80||svc.cluster.local");
});
