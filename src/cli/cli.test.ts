import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxySync } from "../ads/sync-state.ts";
import { FOLLOWED_KINDS, KINDS, type Kind } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { CONDITION_TYPES } from "../feedback/conditions.ts";
import type { Refusal } from "../feedback/rejections.ts";
import type { Client } from "../kube/client.ts";
import { ApiError } from "../kube/error.ts";
import { createMeshModel } from "../model/dataflow.ts";
import { SETTINGS } from "../testing/fixtures.ts";
import { MeshError } from "../util/errors.ts";
import { type Command, type Output, triedOnce } from "./command.ts";
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
  "cp-3": [sync("shop/api-2")],
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
  status: statusOf(2),
};

function statusOf(observedGeneration: number) {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const conditions = CONDITION_TYPES.map((type) => {
    const message = "no fault was found";
    return { type, status: "True", reason: type, message, observedGeneration, lastTransitionTime };
  });
  return { conditions };
}

const UNAVAILABLE = new ApiError("ask mesh-system/cp-2", {
  status: 503,
  reason: "ServiceUnavailable",
  message: "error trying to reach service",
});

interface Request {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** A cluster with two replicas, seen through its API server. */
function cluster({
  pods,
  seen,
  of,
  silent,
}: Required<Pick<Run, "pods" | "seen" | "of" | "silent">>) {
  const pages = (path: string, query: Readonly<Record<string, string>>): unknown => {
    const [, name = "", rest = ""] = /pods\/(.*):1234\/proxy(.*)$/.exec(path) ?? [];
    if (silent.includes(name)) throw UNAVAILABLE;
    if (rest === "/debug/syncz") return SYNCS[name];
    if (rest === "/debug/refusals") return name === "cp-1" ? [REFUSAL] : [];
    if (rest === "/debug/findings" && query["object"] === "Service shop/web") return FINDINGS;
    assert.deepEqual([rest, query], ["/debug/generation", { object: "DestinationRule shop/web" }]);
    return { generation: seen };
  };
  return {
    list: async () => pods,
    get: async ({ kind }: Kind) => ({ ...of, kind }),
    request: async ({ path, query }: Request) => pages(path, query),
  } as unknown as Client;
}

interface Run {
  readonly output?: Output;
  readonly pods?: readonly KubeObject[];
  readonly seen?: number | null;
  /** What is asked about. */
  readonly of?: KubeObject;
  /** Replicas that do not answer. */
  readonly silent?: readonly string[];
}

async function run(
  command: Command,
  argument: string | undefined,
  {
    output = "table",
    pods = [replica("cp-1"), replica("cp-2"), replica("cp-0", "Pending")],
    seen = 2,
    of = object,
    silent = [],
  }: Run = {},
): Promise<{ readonly code: number; readonly text: string; readonly warnings: readonly string[] }> {
  let text = "";
  const warnings: string[] = [];
  const code = await command.run(argument, {
    client: cluster({ pods, seen, of, silent }),
    out: (line) => void (text += line),
    warn: (line) => void warnings.push(line),
    output,
    namespace: "shop",
  });
  return { code, text, warnings };
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

test("a replica that does not answer is told of, and the others' proxies are listed", async () => {
  const silent = ["cp-2"];
  const all = await run(proxyStatus, undefined, { silent });
  assert.match(all.text, /^shop\/web-2 .*cp-1$/m);
  assert.doesNotMatch(all.text, /api-1/);
  const [warning = "", ...more] = all.warnings;
  assert.match(warning, /^replica cp-2 did not answer: .*trying to reach service: repeat/);
  assert.deepEqual([all.code, more], [1, []]);
  const one = await run(proxyStatus, "web-2", { silent, output: "json" });
  assert.deepEqual([one.code, (JSON.parse(one.text) as readonly unknown[]).length], [1, 1]);
  const elsewhere = await run(proxyStatus, "api-1", { silent });
  assert.match(elsewhere.text, /no such proxy is connected to a replica that answered/);

  const { code, text, warnings } = await run(status, "destinationrule/web", { silent });
  assert.deepEqual([code, warnings.length], [1, 1]);
  assert.match(text, /1 of 2 connected proxies/);
  const service = await run(status, "service/web", { silent: ["cp-1"] });
  assert.match(service.text, /MESH0134/, "one replica knows");
  const none = await run(status, "service/web", { silent: ["cp-1", "cp-2"] });
  assert.deepEqual([none.code, none.text, none.warnings.length], [1, "", 2]);
});

test("a command does not say that it tries again", () => {
  const told = triedOnce(UNAVAILABLE);
  assert.ok(told instanceof MeshError);
  assert.deepEqual([told.code, told.message], [UNAVAILABLE.code, UNAVAILABLE.message]);
  assert.match(told.hint, /repeat the command/);
  const refused = new ApiError("list Pod", { status: 403, reason: "Forbidden", message: "no" });
  assert.equal(triedOnce(refused), refused);
});

test("an object is well if all that we say of it as it is now is good", async () => {
  const ends = async (of: KubeObject): Promise<number> =>
    (
      await run(status, "destinationrule/web", {
        of,
        seen: of.metadata.generation ?? null,
        pods: [replica("cp-3")],
      })
    ).code;
  const edited = { ...object, metadata: { ...object.metadata, generation: 3 } };
  const theirs = { ...statusOf(1).conditions[0], type: "Stalled", status: "False" };
  const besides = { conditions: [...statusOf(2).conditions, theirs] };
  assert.equal(await ends(object), 0);
  assert.equal(await ends({ ...object, status: besides }), 0, "of another controller");
  assert.equal(await ends(edited), 1, "said of what it was");
  assert.equal(await ends({ ...object, status: {} }), 1, "nothing is said");
  assert.equal(await ends({ ...object, status: { conditions: [theirs] } }), 1);
});

test("kinds that the mesh does not read are told as such, and have no standing with proxies", async () => {
  await assert.rejects(
    run(status, "authorizationpolicy/x"),
    (error) =>
      error instanceof MeshError && /does not read .* AuthorizationPolicy/.test(error.message),
  );
});

test("kinds that have a table of the model are those that are followed", () => {
  const tables = Object.keys(createMeshModel(SETTINGS).sinks).map((name) => name.toLowerCase());
  const read = Object.values(KINDS).filter(
    ({ group, plural }) => group.endsWith("istio.io") && tables.includes(plural),
  );
  assert.deepEqual(new Set<Kind>(FOLLOWED_KINDS), new Set<Kind>(read));
});
