/**
 * Which cluster of which checkout has which addresses. One file for the whole machine, under /run:
 * it lives exactly as long as the processes and interfaces that it is about.
 */
import { existsSync, realpathSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isFree, nameservers, slotOrder, slots } from "./addresses.ts";
import { run } from "./command.ts";
import { ClusterError } from "./errors.ts";
import { withLock } from "./lock.ts";

export const runtimeRoot = "/run/meshwright";

export interface Claim {
  readonly slot: number;
  readonly checkout: string;
  readonly name: string;
}

export const checkout = realpathSync(join(import.meta.dirname, "../.."));

const file = join(runtimeRoot, "clusters.json");
const locked = <T>(body: () => Promise<T>): Promise<T> =>
  withLock(join(runtimeRoot, "clusters.lock"), body);

/** Every cluster of this machine that is up, or was when something killed it. */
export async function claims(): Promise<readonly Claim[]> {
  if (!existsSync(file)) return [];
  return JSON.parse(await readFile(file, "utf8")) as Claim[];
}

async function write(all: readonly Claim[]): Promise<void> {
  await mkdir(runtimeRoot, { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(all, undefined, 2));
  await rename(`${file}.new`, file);
}

const isOurs = (one: Claim, name: string): boolean =>
  one.checkout === checkout && one.name === name;

export async function findClaim(name: string): Promise<Claim | undefined> {
  return (await claims()).find((one) => isOurs(one, name));
}

/** The machine's IPv4 routes but for the default one, and the servers it reaches only by that one. */
async function usedRanges(): Promise<string[]> {
  const routes = JSON.parse(await run(["ip", "-json", "-4", "route", "show", "table", "all"]));
  const direct = (routes as { dst: string }[]).map(({ dst }) => dst);
  const resolver = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  return [...direct.filter((dst) => dst !== "default"), ...nameservers(resolver)];
}

/**
 * Gives the cluster a slot that no other cluster has and whose addresses the machine does not use,
 * the one it had before if possible.
 */
export async function claim(name: string, before: number | undefined): Promise<Claim> {
  return locked(async () => {
    const all = await claims();
    const ours = all.find((one) => isOurs(one, name));
    if (ours !== undefined) return ours;
    const taken = new Set(all.map((one) => one.slot));
    const used = await usedRanges();
    const order = [...(before === undefined ? [] : [before]), ...slotOrder(`${checkout} ${name}`)];
    const slot = order.find((one) => !taken.has(one) && isFree(one, used));
    if (slot === undefined) {
      throw new ClusterError(
        `all ${slots} slots for local clusters on this machine are taken`,
        `see who has them in ${file}, and remove clusters with \`make cluster-down\``,
      );
    }
    const granted = { slot, checkout, name };
    await write([...all, granted]);
    return granted;
  });
}

export async function release(slot: number): Promise<void> {
  await locked(async () => write((await claims()).filter((one) => one.slot !== slot)));
}
