import assert from "node:assert/strict";
import { test } from "node:test";
import { entryProtocol, type PortHint, portProtocol } from "./port-protocol.ts";

const cases: readonly (PortHint & { readonly want: string })[] = [
  { name: "http", port: 80, want: "http" },
  { name: "http-web", port: 80, want: "http" },
  { name: "HTTP-web", port: 80, want: "http" },
  { name: "https", port: 443, want: "https" },
  { name: "http2-x", port: 80, want: "http2" },
  { name: "grpc", port: 80, want: "grpc" },
  { name: "grpc-web", port: 80, want: "http" },
  { name: "grpc-web-x", port: 80, want: "http" },
  { name: "grpc-website", port: 80, want: "grpc" },
  { name: "httpserver", port: 80, want: "auto" },
  { name: "tls-x", port: 443, want: "tls" },
  { name: "tcp", port: 80, want: "tcp" },
  { name: "mongo", port: 27017, want: "tcp" },
  { name: "redis-main", port: 6379, want: "tcp" },
  { name: "mysql", port: 3306, want: "tcp" },
  { port: 3306, want: "tcp" },
  { name: "smtp", port: 25, want: "tcp" },
  { port: 53, want: "tcp" },
  { name: "constructor", port: 80, want: "auto" },
  { name: "http", port: 80, appProtocol: "__proto__", want: "auto" },
  { port: 80, want: "auto" },
  { name: "whatever", port: 80, want: "auto" },
  { name: "tcp", port: 80, appProtocol: "http", want: "http" },
  { name: "http", port: 80, appProtocol: "kubernetes.io/h2c", want: "http2" },
  { name: "http", port: 80, appProtocol: "kubernetes.io/ws", want: "http" },
  { name: "http", port: 80, appProtocol: "example.com/own", want: "auto" },
];

for (const { want, ...port } of cases)
  test(`${JSON.stringify(port)} speaks ${want}`, () => assert.equal(portProtocol(port), want));

test("a protocol that every JavaScript object has by inheritance is none that is known", () =>
  assert.equal(entryProtocol({ name: "http", port: 80, protocol: "CONSTRUCTOR" }), undefined));
