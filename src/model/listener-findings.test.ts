import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, modelOf, remove } from "../testing/fixtures.ts";
import type { MeshModel } from "./dataflow.ts";

interface Entry {
  readonly name: string;
  readonly day: number;
  readonly protocol: string;
  readonly addresses?: readonly string[];
  readonly port?: number;
}

const entry = ({ name, day, protocol, addresses, port = 3306 }: Entry): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, creationTimestamp: "2026-01-0${day}T00:00:00Z"}
spec:
  hosts: [${name}.example.com]
  addresses: ${JSON.stringify(addresses ?? [])}
  ports: [{number: ${port}, name: main, protocol: ${protocol}}]
  resolution: STATIC
  endpoints: [{address: 192.0.2.1}]
`;

const service = (portName: string): string => `
apiVersion: v1
kind: Service
metadata: {name: web, creationTimestamp: "2026-01-09T00:00:00Z"}
spec:
  clusterIP: 10.0.0.1
  ports: [{name: ${portName}, port: 3306}]
`;

const ONE = ["10.0.0.1"];

const told = (model: MeshModel, object: string): readonly string[] =>
  model.engine
    .get(model.findings, object)
    .map(({ code, path, message }) => `${code} ${path}: ${message}`);

test("of two that are bytes at one address the younger is told, until they no longer meet", () => {
  const model = modelOf(entry({ name: "b", day: 1, protocol: "TCP", addresses: ONE }));
  const younger = "ServiceEntry default/a";
  for (const protocol of ["TCP", "TLS", "MONGO"]) {
    apply(model, entry({ name: "a", day: 2, protocol, addresses: ONE }));
    assert.deepEqual(told(model, younger), [
      "MESH0134 spec.addresses: connections to 10.0.0.1:3306 go to ServiceEntry default/b, which is older (2026-01-01T00:00:00Z): give the two different addresses or ports",
    ]);
    assert.deepEqual(told(model, "ServiceEntry default/b"), []);
  }
  apply(model, entry({ name: "a", day: 2, protocol: "TCP", addresses: ["10.0.0.2"] }));
  assert.deepEqual(told(model, younger), []);
  apply(model, entry({ name: "a", day: 2, protocol: "TCP", addresses: ONE, port: 3307 }));
  assert.deepEqual(told(model, younger), []);
  apply(model, entry({ name: "a", day: 1, protocol: "TCP", addresses: ONE }));
  assert.deepEqual(told(model, younger), []);
  assert.match(
    told(model, "ServiceEntry default/b").join(),
    /which is as old and whose name comes first/,
  );
});

test("HTTP is told when its address is another's bytes, whoever is older", () => {
  const model = modelOf(entry({ name: "a", day: 1, protocol: "HTTP", addresses: ONE }));
  apply(model, entry({ name: "b", day: 2, protocol: "TCP", addresses: ONE }));
  assert.match(
    told(model, "ServiceEntry default/a").join(),
    /^MESH0134 spec\.addresses: connections to 10\.0\.0\.1:3306 go to ServiceEntry default\/b, for which they are not HTTP but tcp/,
  );
  assert.deepEqual(told(model, "ServiceEntry default/b"), []);
  apply(model, entry({ name: "b", day: 2, protocol: "HTTP2", addresses: ONE }));
  assert.deepEqual(told(model, "ServiceEntry default/a"), [], "requests are told apart");
});

test("a Kubernetes Service comes first; what an entry takes from it the entry is told", () => {
  const model = modelOf(service("tcp"));
  apply(model, entry({ name: "a", day: 1, protocol: "TCP", addresses: ONE }));
  assert.match(
    told(model, "ServiceEntry default/a").join(),
    /go to Service default\/web, which as a Kubernetes Service comes first/,
  );
  assert.deepEqual(told(model, "Service default/web"), []);
  apply(model, service("http"));
  assert.match(
    told(model, "ServiceEntry default/a").join(),
    /come here, and not to Service default\/web, which speaks http there/,
  );
  assert.match(
    told(model, "Service default/web").join(),
    /^MESH0134 spec\.ports: .* go to ServiceEntry default\/a, for which they are not HTTP but tcp/,
  );
  remove(model, entry({ name: "a", day: 1, protocol: "TCP" }));
  assert.deepEqual(told(model, "Service default/web"), []);
});

test("of two that are bytes at no address in particular the younger is told", () => {
  const model = modelOf(entry({ name: "b", day: 1, protocol: "TCP" }));
  apply(model, entry({ name: "a", day: 2, protocol: "TCP" }));
  assert.match(
    told(model, "ServiceEntry default/a").join(),
    /^MESH0134 spec\.addresses: connections to port 3306 of addresses that nobody has go to ServiceEntry default\/b, which is older/,
  );
  assert.deepEqual(told(model, "ServiceEntry default/b"), []);
  apply(model, entry({ name: "a", day: 2, protocol: "TLS" }));
  assert.deepEqual(told(model, "ServiceEntry default/a"), [], "its clients name the server");
});

test("bytes that share a port with HTTP say so", () => {
  const model = modelOf(entry({ name: "b", day: 1, protocol: "TCP" }));
  apply(model, entry({ name: "a", day: 2, protocol: "HTTP" }));
  assert.match(
    told(model, "ServiceEntry default/b").join(),
    /others speak HTTP on port 3306, .* only other bytes come here/,
  );
  assert.deepEqual(told(model, "ServiceEntry default/a"), []);
});
