import { type ProxySync, stateOf, type TypeSync } from "../ads/sync-state.ts";
import type { Command, Io } from "./command.ts";
import { ask, type Replica, replicas } from "./replicas.ts";
import { oneLine, table } from "./table.ts";

/** A proxy, and the replica that it is connected to. */
export interface Connected extends ProxySync {
  readonly replica: string;
}

const TYPES = [
  "Cluster",
  "ClusterLoadAssignment",
  "Listener",
  "RouteConfiguration",
  "VirtualHost",
] as const;
const HEADER = ["PROXY", "KIND", "CDS", "EDS", "LDS", "RDS", "VHDS", "REPLICA"];

export const proxyStatus: Command = {
  name: "proxy-status",
  summary: "shows which proxies are connected, and whether they run what they were sent",
  argument: "[namespace/pod]",
  async run(proxy, io) {
    const found = await connected(io, await replicas(io.client, io.signal));
    const wanted = found.filter((one) => proxy === undefined || isCalled(one, proxy, io.namespace));
    io.out(io.output === "json" ? JSON.stringify(wanted, null, 2) : page(wanted));
    return wanted.length > 0 && wanted.every((one) => stateOf(one) === "synced") ? 0 : 1;
  },
};

/** All proxies of all replicas, sorted. */
export async function connected(
  io: Pick<Io, "client" | "signal">,
  all: readonly Replica[],
): Promise<readonly Connected[]> {
  const answers = await Promise.all(
    all.map(async (replica) => {
      const syncs = (await ask(
        io.client,
        replica,
        { path: "/debug/syncz" },
        io.signal,
      )) as readonly ProxySync[];
      return syncs.map((sync) => ({ ...sync, replica: replica.name }));
    }),
  );
  return answers.flat().sort((a, b) => (a.proxy < b.proxy ? -1 : 1));
}

const isCalled = ({ proxy }: ProxySync, sought: string, namespace: string): boolean =>
  proxy === (sought.includes("/") ? sought : `${namespace}/${sought}`);

function page(proxies: readonly Connected[]): string {
  if (proxies.length === 0) return "no such proxy is connected";
  const rows = proxies.map((one) => [
    one.proxy,
    one.kind,
    ...TYPES.map((type) => cell(one.types[type])),
    one.replica,
  ]);
  return [table(HEADER, rows), ...proxies.flatMap(rejections)].join("\n");
}

function cell(sync: TypeSync | undefined): string {
  if (sync === undefined) return "-";
  if (sync.refused.length > 0) return "REJECTED";
  if (sync.synced) return "synced";
  return sync.outstanding > 0 ? `stale (${sync.outstanding})` : "stale";
}

const rejections = ({ proxy, types }: Connected): readonly string[] =>
  Object.entries(types).flatMap(([type, { refused }]) =>
    refused.map(
      ({ name, message }) => `\n${proxy} rejects ${type} ${name}:\n  ${oneLine(message)}`,
    ),
  );
