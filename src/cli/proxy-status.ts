import { type ProxySync, stateOf, type TypeSync } from "../ads/sync-state.ts";
import type { Command, Io } from "./command.ts";
import { ask, askEach, type Replica } from "./replicas.ts";
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
    const { answers, isWhole } = await askEach(io, (replica) => connected(io, replica));
    const wanted = answers
      .flat()
      .filter((one) => proxy === undefined || isCalled(one, proxy, io.namespace))
      .sort((a, b) => (a.proxy < b.proxy ? -1 : 1));
    io.out(io.output === "json" ? JSON.stringify(wanted, null, 2) : page(wanted, isWhole));
    const isWell = wanted.length > 0 && wanted.every((one) => stateOf(one) === "synced");
    return isWhole && isWell ? 0 : 1;
  },
};

/** The proxies of a replica. */
export async function connected(
  { client, signal }: Pick<Io, "client" | "signal">,
  replica: Replica,
): Promise<readonly Connected[]> {
  const syncs = await ask(client, replica, { path: "/debug/syncz" }, signal);
  return (syncs as readonly ProxySync[]).map((sync) => ({ ...sync, replica: replica.name }));
}

const isCalled = ({ proxy }: ProxySync, sought: string, namespace: string): boolean =>
  proxy === (sought.includes("/") ? sought : `${namespace}/${sought}`);

function page(proxies: readonly Connected[], isWhole: boolean): string {
  if (proxies.length === 0)
    return `no such proxy is connected${isWhole ? "" : " to a replica that answered"}`;
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
