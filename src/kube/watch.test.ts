import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import type { ConfigMap } from "../api/gen/kubernetes.ts";
import { KINDS, type Live } from "../api/kinds.ts";
import type { Sink } from "../store/sink.ts";
import { Client } from "./client.ts";
import { reflect } from "./watch.ts";

/** An API server with nothing in it, which does with watches what the test wants. */
async function apiServer(
  t: TestContext,
  watched: (nth: number, response: ServerResponse) => void,
): Promise<Client> {
  let watches = 0;
  const server: Server = createServer((request, response) => {
    if (request.url?.includes("watch=true")) return watched(watches++, response);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ metadata: { resourceVersion: "1" }, items: [] }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "scripted", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: "nobody" },
  );
  const client = new Client(config);
  t.after(() => client.close());
  return client;
}

const ADDED = {
  type: "ADDED",
  object: {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "one", namespace: "default", resourceVersion: "2" },
  },
};

test("a watch that the server takes and never answers is opened anew", {
  timeout: 20_000,
}, async (t) => {
  const { promise: seen, resolve } = Promise.withResolvers<string>();
  const client = await apiServer(t, (nth, response) => {
    // As an API server does that has just started; the next one is answered.
    if (nth === 0) return;
    response.write(`${JSON.stringify(ADDED)}\n`);
  });
  const sink: Sink<Live<ConfigMap>> = {
    replace: () => {},
    upsert: ({ metadata }) => resolve(metadata.name),
    remove: () => {},
  };
  const stop = new AbortController();
  const { done } = reflect(client, KINDS.configMap, sink, { signal: stop.signal, openMs: 100 });
  assert.equal(await seen, "one");
  stop.abort();
  await done;
});

test("a watch is healthy when the server has taken it, not when it is asked for", {
  timeout: 20_000,
}, async (t) => {
  const asked: boolean[] = [];
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const client = await apiServer(t, (nth, response) => {
    asked.push(reflection.healthy());
    if (nth === 0) return void response.writeHead(500).end();
    // Two that are not answered, and one that is.
    if (nth > 2) response.write(`${JSON.stringify(ADDED)}\n`);
  });
  const sink: Sink<Live<ConfigMap>> = {
    replace: () => {},
    upsert: () => resolve(),
    remove: () => {},
  };
  const stop = new AbortController();
  t.after(() => stop.abort());
  const options = { signal: stop.signal, openMs: 100 };
  const reflection = reflect(client, KINDS.configMap, sink, options);
  await seen;
  assert.equal(reflection.healthy(), true);
  assert.deepEqual(asked.slice(1, 4), [false, false, false]);
});
