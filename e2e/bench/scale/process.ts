/** What the kernel says of a process. */
import { readdirSync, readFileSync } from "node:fs";

/** CPU time of all its threads so far, in seconds; those that have ended are not in it. */
export function cpuSeconds(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e9;
}

/** The most memory it has had resident, in bytes. */
export const peakBytes = (pid: number): number => memory(pid, "VmHWM");

/** What it has resident now, in bytes. */
export const residentBytes = (pid: number): number => memory(pid, "VmRSS");

function memory(pid: number, field: "VmHWM" | "VmRSS"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status) ?? [];
  return Number(kibibytes) * 1024;
}
