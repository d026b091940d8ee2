import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxySync } from "../ads/sync-state.ts";
import type { Kind } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import type { Refusal } from "../feedback/rejections.ts";
import type { Client } from "../kube/client.ts";
import type { Command, Output } from "./command.ts";
import { proxyStatus } from "./proxy-status.ts";
import { status } from "./status.ts";

const sync = (proxy: string, more: Partial<ProxySync["types"]["Cluster"]> = {}): ProxySync => ({
  proxy,
  kind: "sidecar",
  identity: "spiffe://cluster.local/ns/shop/sa/web",
  connectedAt: "2026-01-01T00:00:00Z",
  types: {
    Cluster: { sent: "1", acked: "1", synced: true, outstanding: 0, refused: [], ...more },
  },
});

const BAD = { name: "outbound|80||web", message: "no\n  such policy" };
const SYNCS: Readonly<Record<string, readonly ProxySync[]>> = {
  "cp-1": [sync("shop/web-2"), sync("shop/web-1", { synced: false, refused: [BAD] })],
  "cp-2": [sync("shop/api-1", { synced: false, outstanding: 3 })],
};
const REFUSAL: Refusal = {
  proxy: "shop/web-1",
  sources: ["DestinationRule shop/web"],
  resource: "Cluster outbound|80||web",
  message: "no such policy",
};

const FINDINGS = [
  { code: "MESH0134", level: "warning", path: "spec.ports", message: "they go\n elsewhere" },
];

const replica = (name: string, phase = "Running"): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "mesh-system" },
  spec: { containers: [{ ports: [{ name: "http-monitoring", containerPort: 1234 }] }] },
  status: { phase },
});

const object: KubeObject = {
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "web", namespace: "shop", generation: 2 },
  status: {
    conditions: [
      {
        type: "Accepted",
        status: "True",
        reason: "Accepted",
        message: "no fault was found",
        observedGeneration: 2,
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ],
  },
};

interface Request {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** A cluster with two replicas, seen through its API server. */
function cluster(pods: readonly KubeObject[], seen: number | null) {
  const pages = (path: string, query: Readonly<Record<string, string>>): unknown => {
    const [, name = "", rest = ""] = /pods\/(.*):1234\/proxy(.*)$/.exec(path) ?? [];
    if (rest === "/debug/syncz") return SYNCS[name];
    if (rest === "/debug/refusals") return name === "cp-1" ? [REFUSAL] : [];
    if (rest === "/debug/findings" && query["object"] === "Service shop/web") return FINDINGS;
    assert.deepEqual([rest, query], ["/debug/generation", { object: "DestinationRule shop/web" }]);
    return { generation: seen };
  };
  return {
    list: async () => pods,
    get: async ({ kind }: Kind) => ({ ...object, kind }),
    request: async ({ path, query }: Request) => pages(path, query),
  } as unknown as Client;
}

interface Run {
  readonly output?: Output;
  readonly pods?: readonly KubeObject[];
  readonly seen?: number | null;
}

async function run(
  command: Command,
  argument: string | undefined,
  {
    output = "table",
    pods = [replica("cp-1"), replica("cp-2"), replica("cp-0", "Pending")],
    seen = 2,
  }: Run = {},
): Promise<{ readonly code: number; readonly text: string }> {
  let text = "";
  const out = (line: string): void => void (text += line);
  const code = await command.run(argument, {
    client: cluster(pods, seen),
    out,
    output,
    namespace: "shop",
  });
  return { code, text };
}

test("proxy-status lists all proxies of all replicas, and says what Envoy says", async () => {
  const { code, text } = await run(proxyStatus, undefined);
  assert.equal(code, 1);
  const rows = text.split("\n").map((line) => line.split(/ {2,}/).slice(0, 3).join(" "));
  assert.deepEqual(rows.slice(0, 4), [
    "PROXY KIND CDS",
    "shop/api-1 sidecar stale (3)",
    "shop/web-1 sidecar REJECTED",
    "shop/web-2 sidecar synced",
  ]);
  assert.match(text, /shop\/web-1 rejects Cluster outbound\|80\|\|web:\n {2}no such policy/);
  assert.match(text, /shop\/api-1 .* cp-2\n/);
});

test("proxy-status of one proxy succeeds if that is well, and tells JSON what it found", async () => {
  const { code, text } = await run(proxyStatus, "web-2", { output: "json" });
  assert.equal(code, 0);
  const found = JSON.parse(text) as readonly { proxy: string; replica: string }[];
  assert.deepEqual(
    found.map(({ proxy, replica: at }) => [proxy, at]),
    [["shop/web-2", "cp-1"]],
  );
  assert.equal((await run(proxyStatus, "nobody")).code, 1);
});

test("status counts who runs the object as it is now, and names who lags and who rejects", async () => {
  const { code, text } = await run(status, "destinationrule/web");
  assert.equal(code, 1);
  assert.match(text, /^DestinationRule shop\/web .*generation 2\n/);
  assert.match(text, /Accepted +True \(Accepted\) +2 +no fault was found/);
  assert.match(text, /1 of 3 connected proxies/);
  assert.match(text, /shop\/api-1 +behind +cp-2/);
  assert.match(text, /shop\/web-1 +rejects +cp-1 +Cluster outbound\|80\|\|web: no such policy/);
});

test("status of a Service says what no status of ours can", async () => {
  const { code, text } = await run(status, "service/web");
  assert.equal(code, 1);
  assert.match(text, /^Service shop\/web\n/);
  assert.match(text, /MESH0134 +spec\.ports +they go elsewhere/);
  const json = await run(status, "services/web", { output: "json" });
  assert.deepEqual(JSON.parse(json.text), FINDINGS);
});

test("nobody runs a generation that no replica has seen", async () => {
  const { text } = await run(status, "dr/web".replace("dr", "destinationrules"), { seen: 1 });
  assert.match(text, /0 of 3 connected proxies/);
});

test("what is not there is told with a remedy", async () => {
  await assert.rejects(run(status, "teapot/web"), /there is no teapot\/web in namespace shop/);
  await assert.rejects(run(proxyStatus, undefined, { pods: [] }), /no replica/);
});
