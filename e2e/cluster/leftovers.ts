/** What clusters left on this machine that no cluster accounts for. Reads, changes nothing. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { addresses, slots } from "./addresses.ts";
import { cgroupDirectories } from "./cgroups.ts";
import { attempt, run } from "./command.ts";
import { layout } from "./layout.ts";
import { nodePid } from "./node.ts";
import { claims, runtimeRoot } from "./registry.ts";

/** Text of a file of /proc; empty if the process ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It is gone: it left nothing.
    return "";
  }
}

function namespace(pid: string, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    // It is gone: it is in no namespace.
    return "";
  }
}

/** The parent of every process. */
function parents(): ReadonlyMap<string, string> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.map((pid) => [pid, /^PPid:\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? ""]),
  );
}

/** The processes that belong to no cluster that is meant to be there. */
async function strangers(): Promise<string[]> {
  const found = await Promise.all((await claims()).map((claim) => nodePid(layout(claim))));
  const nodes = new Set(found.filter((pid) => pid !== undefined));
  const spaces = new Set([...nodes].map((pid) => namespace(pid, "mnt")));
  const parentOf = parents();
  const belongs = (pid: string): boolean =>
    nodes.has(pid) || (parentOf.has(pid) && belongs(parentOf.get(pid) ?? ""));
  // A command that somebody runs on a node at this moment is in its namespace, but not its child.
  return [...parentOf.keys()].filter((pid) => !belongs(pid) && !spaces.has(namespace(pid, "mnt")));
}

/** Processes of programs that only nodes run. */
function strayProcesses(pids: readonly string[]): string[] {
  return pids
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() }))
    .filter(({ command }) => command.includes(`${runtimeRoot}/`))
    .map(({ pid, command }) => `process ${pid}: ${command}`);
}

/** Mounts of a node's directories, in any mount namespace but those of nodes and their pods. */
function strayMounts(pids: readonly string[]): string[] {
  const spaces = new Map(pids.map((pid) => [namespace(pid, "mnt"), pid]));
  return (
    [...spaces.values()]
      .flatMap((pid) => read(`/proc/${pid}/mountinfo`).split("\n"))
      // What begins with a dot belongs to no cluster: images may be building at this moment.
      .filter((line) => /\/\.state\/[^.]/.test(line) || line.includes(`${runtimeRoot}/`))
      .map((line) => `mount ${line}`)
  );
}

const interfaceOf = (line: string): string => line.split(": ")[1]?.split("@")[0] ?? "";

async function ofFreeSlots(): Promise<string[]> {
  const taken = new Set((await claims()).map(({ slot }) => slot));
  const free = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => !taken.has(slot));
  const names = (await run(["ip", "-oneline", "link"])).split("\n").map(interfaceOf);
  const rules = await hostRules();
  return free.flatMap((slot) => {
    const { hostInterface, cgroup, podRange, node } = addresses(slot);
    const runtime = join(runtimeRoot, String(slot));
    return [
      ...names.filter((name) => name === hostInterface).map((name) => `interface ${name}`),
      ...cgroupDirectories(cgroup).map((path) => `cgroup ${path}`),
      ...rules
        .filter((rule) => rule.includes(podRange.v4) || rule.includes(`${node.v4}/`))
        .map((rule) => `rule ${rule}`),
      ...(existsSync(runtime) ? [`directory ${runtime}`] : []),
    ];
  });
}

/** The machine's own packet filter: clusters keep out of it. */
async function hostRules(): Promise<string[]> {
  const all = await Promise.all(
    (["iptables-save", "ip6tables-save"] as const).map((program) => attempt([program])),
  );
  return all.flatMap(({ stdout }) => stdout.split("\n"));
}

/** Everything that should not be there, one line each. */
export async function leftovers(): Promise<string[]> {
  const pids = await strangers();
  return [...strayProcesses(pids), ...strayMounts(pids), ...(await ofFreeSlots())];
}
