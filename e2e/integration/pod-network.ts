/** A network of a pod's own, joined to the machine, for what must run in a pod's place. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

const execute = promisify(execFile);

export interface PodNetwork {
  /** Of the network namespace. */
  readonly name: string;
  readonly ip: string;
  readonly ip6: string;
  /** The machine, as the pod sees it. */
  readonly outside: string;
  readonly outside6: string;
  /** Runs a program in the pod's network to its end. @returns what it printed */
  run(command: string, ...args: readonly string[]): Promise<string>;
  /** Starts one that ends with the test. */
  start(command: string, args: readonly string[]): ChildProcess;
}

/** Each has four IPv4 addresses of 198.18.0.0/16. */
const BLOCKS = 0x4000;
const ip = (...args: readonly string[]) => execute("ip", args);
const nameOf = (block: number): string => `mw-pod-${block}`;

/** Test files run in processes of their own: each begins elsewhere. */
let next = process.pid * 16;

const linkOf = (block: number): string => `mwp${block}`;

/**
 * Makes a namespace and a link to it that nobody has: neither a run that was killed, nor the kernel, which
 * takes a namespace apart when it finds the time.
 */
async function claim(): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const block = next++ % BLOCKS;
    if (await isMade(block)) return block;
    if (tries === BLOCKS) throw new Error("every network of tests is taken: see `ip netns`");
  }
}

async function isMade(block: number): Promise<boolean> {
  const name = nameOf(block);
  const veth = ["type", "veth", "peer", "name", "eth0", "netns", name];
  if (!(await isNew("netns", "add", name))) return false;
  if (await isNew("link", "add", linkOf(block), ...veth)) return true;
  await ip("netns", "delete", name);
  return false;
}

async function isNew(...args: readonly string[]): Promise<boolean> {
  try {
    await ip(...args);
    return true;
  } catch (error) {
    if (String(error).includes("File exists")) return false;
    throw error;
  }
}

export async function podNetwork(t: Pick<TestContext, "after">): Promise<PodNetwork> {
  const block = await claim();
  const name = nameOf(block);
  const link = linkOf(block);
  const subnet = `198.18.${block >> 6}.${(block & 0x3f) << 2}`.replace(/\d+$/, "");
  const base = (block & 0x3f) << 2;
  const network = {
    outside: `${subnet}${base + 1}`,
    ip: `${subnet}${base + 2}`,
    outside6: `fd6d:7700:${block.toString(16)}::1`,
    ip6: `fd6d:7700:${block.toString(16)}::2`,
  };
  const enter = [`--net=/var/run/netns/${name}`];
  t.after(() => ip("netns", "delete", name));
  const run = async (command: string, ...args: readonly string[]): Promise<string> =>
    (await execute("nsenter", [...enter, command, ...args])).stdout;

  await ip("address", "add", `${network.outside}/30`, "dev", link);
  await ip("-6", "address", "add", `${network.outside6}/64`, "dev", link, "nodad");
  await ip("link", "set", link, "up");
  await run("ip", "link", "set", "lo", "up");
  await run("ip", "address", "add", `${network.ip}/30`, "dev", "eth0");
  await run("ip", "-6", "address", "add", `${network.ip6}/64`, "dev", "eth0", "nodad");
  await run("ip", "link", "set", "eth0", "up");
  const start = (command: string, args: readonly string[]): ChildProcess => {
    const child = spawn("nsenter", [...enter, command, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.after(() => ended(child));
    return child;
  };
  return { name, ...network, run, start };
}

/** Ends a program that a test started, and waits for it. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
