/**
 * What a cloud does for Services of type LoadBalancer: gives each an address of its own. The node's
 * kube-proxy then serves that address, and the machine routes the whole range to the node.
 *
 * Usage: load-balancer.ts KUBECONFIG IPV4_RANGE IPV6_RANGE
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { assign, type Service } from "./load-balancer-assign.ts";

interface Kubeconfig {
  readonly clusters: readonly [
    {
      readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
    },
  ];
  readonly users: readonly [
    {
      readonly user: {
        readonly "client-certificate-data": string;
        readonly "client-key-data": string;
      };
    },
  ];
}

interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: Service;
}

const [file = "", v4 = "", v6 = ""] = process.argv.slice(2);
const { clusters, users } = JSON.parse(readFileSync(file, "utf8")) as Kubeconfig;
const [{ cluster }] = clusters;
const [{ user }] = users;
const decode = (data: string): Buffer => Buffer.from(data, "base64");

const agent = new Agent({
  keepAlive: true,
  ca: decode(cluster["certificate-authority-data"]),
  cert: decode(user["client-certificate-data"]),
  key: decode(user["client-key-data"]),
});

function call(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/merge-patch+json" };
    request(new URL(path, cluster.server), { method, agent, headers }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${method} ${path}: ${response.statusCode}`));
    })
      .on("error", reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Writes the addresses that a Service lacks, or takes those it should no longer have. */
async function settle(service: Service, all: ReadonlyMap<string, Service>): Promise<void> {
  const ingress = assign(service, [...all.values()], { v4, v6 });
  if (ingress === undefined) return;
  const { namespace, name } = service.metadata;
  const path = `/api/v1/namespaces/${namespace}/services/${name}/status`;
  (await call("PATCH", path, { status: { loadBalancer: { ingress } } })).resume();
  process.stdout.write(`${namespace}/${name}: ${JSON.stringify(ingress)}\n`);
}

/** Follows all Services until the API server ends the stream. */
async function follow(): Promise<void> {
  const services = new Map<string, Service>();
  // From version 0, a stream begins with all that exists.
  const stream = await call("GET", "/api/v1/services?watch=true&resourceVersion=0");
  for await (const line of createInterface({ input: stream })) {
    const { type, object } = JSON.parse(line) as WatchEvent;
    if (type === "ERROR") return;
    if (type === "DELETED") services.delete(object.metadata.uid);
    else services.set(object.metadata.uid, object);
    if (type === "ADDED" || type === "MODIFIED") await settle(object, services);
  }
}

// The API server may go away and come back at any time.
while (true) {
  try {
    await follow();
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
  }
  await delay(500);
}
