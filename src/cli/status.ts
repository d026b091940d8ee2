import { stateOf } from "../ads/sync-state.ts";
import { type Condition, conditionOf } from "../api/conditions.ts";
import type { Diagnostic } from "../api/diagnostic.ts";
import { apiVersionOf, FOLLOWED_KINDS, KINDS, type Kind } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import { CONDITION_TYPES } from "../feedback/conditions.ts";
import type { Refusal } from "../feedback/rejections.ts";
import { MeshError } from "../util/errors.ts";
import type { Command, Io } from "./command.ts";
import { type Connected, connected } from "./proxy-status.ts";
import { ask, askEach, type Heard, type Replica } from "./replicas.ts";
import { oneLine, table } from "./table.ts";

/** How one proxy stands to the object as it is now. */
interface Standing {
  readonly proxy: string;
  readonly replica: string;
  readonly state: "current" | "behind" | "rejects";
  readonly message?: string;
}

export const status: Command = {
  name: "status",
  summary: "shows what is known of an object, and how many proxies run it as it is now",
  argument: "<kind>/<name>",
  async run(argument = "", io) {
    const { kind, object } = await find(argument, io);
    if (kind.kind === KINDS.service.kind) return serviceStatus(nameOf(kind, object), io);
    const { answers: standings, isWhole } = await standingsOf(kind, object, io);
    const conditions = conditionsOf(object);
    const { generation = 0 } = object.metadata;
    io.out(
      io.output === "json"
        ? JSON.stringify({ generation, conditions, proxies: standings }, null, 2)
        : page(kind, object, standings),
    );
    const isRun = isWhole && standings.every(({ state }) => state === "current");
    return isRun && isWell(conditions, generation) ? 0 : 1;
  },
};

/** Whether all that we say of an object is good, and of the object as it is now. What others say is theirs. */
const isWell = (conditions: readonly Condition[], generation: number): boolean =>
  CONDITION_TYPES.every((type) => {
    const { status: is, observedGeneration } = conditionOf(conditions, type) ?? {};
    // The schema allows text here.
    return is === "True" && Number(observedGeneration) === generation;
  });

/** Nobody but Kubernetes writes the status of a Service, so what is wrong with it is asked for. */
async function serviceStatus(name: string, io: Io): Promise<number> {
  const findings = { path: "/debug/findings", query: { object: name } };
  const { answers, isWhole } = await askEach(
    io,
    async (replica) =>
      (await ask(io.client, replica, findings, io.signal)) as readonly Diagnostic[],
  );
  const [found] = answers;
  if (found === undefined) return 1;
  const rows = found.map(({ code, path: field, message }) => [code, field, oneLine(message)]);
  const lines = [name, "", rows.length > 0 ? table(["CODE", "FIELD", "MESSAGE"], rows) : NO_FAULT];
  io.out(io.output === "json" ? JSON.stringify(found, null, 2) : lines.join("\n"));
  return isWhole && found.length === 0 ? 0 : 1;
}

const NO_FAULT = "no fault was found";

async function find(
  argument: string,
  { client, namespace, signal }: Io,
): Promise<{ readonly kind: Kind; readonly object: KubeObject }> {
  const [sought = "", name = ""] = argument.split("/");
  const kind = kindCalled(sought);
  const object = kind && (await client.get(kind, { name, namespace }, signal));
  if (kind !== undefined && object !== undefined) return { kind, object };
  throw new MeshError("MESH0902", `there is no ${argument} in namespace ${namespace}`, {
    hint: "name it as kind/name, e.g. virtualservice/reviews, and its namespace with --namespace",
  });
}

/** @throws MeshError if the mesh does not read objects of the kind: nothing can be known of them */
function kindCalled(sought: string): Kind | undefined {
  const found = Object.values<Kind>(KINDS).find(
    ({ kind, plural, group }) =>
      (group.endsWith("istio.io") || kind === KINDS.service.kind) &&
      [kind.toLowerCase(), plural].includes(sought.toLowerCase()),
  );
  if (found === undefined || found === KINDS.service || FOLLOWED_KINDS.includes(found))
    return found;
  throw new MeshError("MESH0903", `the mesh does not read objects of kind ${found.kind}`, {
    hint: "they have no effect: docs/api-support.md has what works",
  });
}

const nameOf = ({ kind }: Kind, { metadata }: KubeObject): string =>
  `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;

async function standingsOf(kind: Kind, object: KubeObject, io: Io): Promise<Heard<Standing>> {
  const { answers, isWhole } = await askEach(io, async (replica) => {
    const [proxies, view] = await Promise.all([
      connected(io, replica),
      replicaView(nameOf(kind, object), replica, io),
    ]);
    const isKnown = view.generation === object.metadata.generation;
    return proxies.map((proxy) => standing(proxy, isKnown, view.refusals));
  });
  return { answers: answers.flat().sort((a, b) => (a.proxy < b.proxy ? -1 : 1)), isWhole };
}

interface ReplicaView {
  /** Of the object, as the replica last saw it. */
  readonly generation: number | null;
  readonly refusals: readonly Refusal[];
}

async function replicaView(object: string, replica: Replica, io: Io): Promise<ReplicaView> {
  const generationOf = { path: "/debug/generation", query: { object } };
  const [seen, refusals] = await Promise.all([
    ask(io.client, replica, generationOf, io.signal),
    ask(io.client, replica, { path: "/debug/refusals" }, io.signal),
  ]);
  const { generation } = seen as Pick<ReplicaView, "generation">;
  const ours = (refusals as readonly Refusal[]).filter(({ sources }) => sources.includes(object));
  return { generation, refusals: ours };
}

/** A proxy runs the object as it is now if it has accepted all that there is for it. */
function standing(sync: Connected, isKnown: boolean, refusals: readonly Refusal[]): Standing {
  const { proxy, replica } = sync;
  const refusal = refusals.find((one) => one.proxy === proxy);
  if (refusal !== undefined)
    return { proxy, replica, state: "rejects", message: `${refusal.resource}: ${refusal.message}` };
  return { proxy, replica, state: isKnown && stateOf(sync) !== "stale" ? "current" : "behind" };
}

function page(kind: Kind, object: KubeObject, standings: readonly Standing[]): string {
  const current = standings.filter(({ state }) => state === "current").length;
  const others = standings.filter(({ state }) => state !== "current");
  const { generation = 0 } = object.metadata;
  return [
    `${nameOf(kind, object)} (${apiVersionOf(kind)}), generation ${generation}`,
    "",
    table(
      ["CONDITION", "STATUS", "GENERATION", "MESSAGE"],
      conditionsOf(object).map((one) => [
        one.type,
        `${one.status} (${one.reason})`,
        String(one.observedGeneration ?? "-"),
        oneLine(one.message),
      ]),
    ),
    "",
    `${current} of ${standings.length} connected proxies run all that there is for them, this included`,
    ...(others.length === 0
      ? []
      : [
          "",
          table(
            ["PROXY", "STATE", "REPLICA", "WHY"],
            others.map((one) => [one.proxy, one.state, one.replica, oneLine(one.message ?? "")]),
          ),
        ]),
  ].join("\n");
}

const conditionsOf = ({ status: of }: KubeObject): readonly Condition[] =>
  (of as { readonly conditions?: readonly Condition[] } | undefined)?.conditions ?? [];
