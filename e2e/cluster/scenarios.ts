/**
 * What local clusters must survive, done on the real machine: kills at any point, neighbours, other
 * checkouts, their own death. Each function throws if something does not work or is left behind.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isRunning, openCluster } from "./cluster.ts";
import { attempt, run } from "./command.ts";
import { type ComponentName, componentNames } from "./components.ts";
import type { Cluster } from "./layout.ts";
import { leftovers } from "./leftovers.ts";
import { attemptInside, nodePid } from "./node.ts";
import { pauseImage } from "./pause-image.ts";
import { checkout } from "./registry.ts";
import { say } from "./say.ts";
import { toolPath } from "./tools.ts";
import { until } from "./wait.ts";

const cli = (root: string, ...args: string[]): readonly [string, ...string[]] => [
  process.execPath,
  join(root, "e2e/cluster/cli.ts"),
  ...args,
];

const cluster = (root: string, ...args: string[]): Promise<string> => run(cli(root, ...args));

/** Starts a command and kills it after a while, as a closed terminal or a full memory would. */
async function interrupted(afterMs: number, root: string, ...args: string[]): Promise<void> {
  const [program, ...rest] = cli(root, ...args);
  const child = spawn(program, rest, { stdio: "ignore" });
  await delay(afterMs);
  child.kill("SIGKILL");
}

const kubectl = (one: Cluster, ...args: string[]): Promise<string> =>
  run([toolPath("kubectl"), "--kubeconfig", one.kubeconfig, ...args]);

/** A cluster works if a pod starts on it. */
async function assertWorks(one: Cluster): Promise<void> {
  for (const component of componentNames) {
    assert.ok(await isRunning(one, component), `${component} runs on ${one.name}`);
  }
  await kubectl(one, "delete", "pod", "probe", "--ignore-not-found", "--now");
  await kubectl(one, "run", "probe", `--image=${pauseImage}`, "--restart=Never");
  await kubectl(one, "wait", "--for=condition=Ready", "pod/probe", "--timeout=60s");
}

export async function assertClean(when: string): Promise<void> {
  assert.deepEqual(await leftovers(), [], when);
}

/** Kills `up` at points spread over its whole length; then it must complete, or go, as asked. */
export async function survivesKilledUp(name: string, rounds: number): Promise<void> {
  const started = performance.now();
  await cluster(checkout, "up", name);
  const wholeMs = performance.now() - started;
  await cluster(checkout, "down", name);
  await assertClean("after a plain up and down");
  for (let round = 0; round < rounds; round += 1) {
    const afterMs = Math.round((wholeMs * (round + 0.5)) / rounds);
    await interrupted(afterMs, checkout, "up", name);
    if (round % 2 === 0) {
      await cluster(checkout, "up", name);
      await assertWorks(await openCluster(name));
    }
    await cluster(checkout, "down", name);
    await assertClean(`after up was killed at ${afterMs} ms`);
    say(`up killed after ${afterMs} ms: ${round % 2 === 0 ? "completed and " : ""}removed`);
  }
}

export async function survivesKilledDown(name: string): Promise<void> {
  for (const afterMs of [150, 200, 250, 300, 400]) {
    await cluster(checkout, "up", name);
    await interrupted(afterMs, checkout, "down", name);
    await cluster(checkout, "down", name);
    await assertClean(`after down was killed at ${afterMs} ms`);
    say(`down killed after ${afterMs} ms: removed by the next`);
  }
}

/** What a reboot of the machine does to a node: all processes die, the state stays. */
export async function survivesDeadNode(name: string): Promise<void> {
  await cluster(checkout, "up", name);
  const before = await openCluster(name);
  await kubectl(before, "create", "configmap", "memory");
  process.kill(Number(await nodePid(before)), "SIGKILL");
  await cluster(checkout, "up", name);
  await kubectl(before, "get", "configmap", "memory");
  await assertWorks(before);
  say("node killed: the next up brought it back with its objects");
}

export async function survivesDeadComponent(name: string, component: ComponentName): Promise<void> {
  const one = await openCluster(name);
  await cluster(checkout, "kill-component", name, component);
  assert.equal(await isRunning(one, component), false);
  await cluster(checkout, "start-component", name, component);
  await until(`${name} answers again`, 30_000, async () => {
    await kubectl(one, "get", "--raw", "/readyz");
    return true;
  });
  await assertWorks(one);
  say(`${component} killed and started again: pods start`);
}

/** The neighbour's node answers, over the cable that joins the two. */
const reaches = async (from: Cluster, to: Cluster): Promise<boolean> => {
  const url = `https://${to.node.v4}:6443/livez`;
  const { code } = await attemptInside(from, ["curl", "-sk", "--max-time", "5", url]);
  return code === 0;
};

export async function livesWithNeighbour(name: string, neighbour: string): Promise<void> {
  const one = await openCluster(name);
  await cluster(checkout, "up", neighbour);
  const other = await openCluster(neighbour);
  await Promise.all([assertWorks(one), assertWorks(other)]);
  assert.ok((await reaches(one, other)) && (await reaches(other, one)), "nodes reach each other");
  await cluster(checkout, "down", neighbour);
  await assertClean("after a neighbour went");
  await assertWorks(one);
  say("two clusters side by side: each works, one survives the other");
}

/** Another checkout uses the same name, is killed half-way, and at last deleted with a cluster up. */
export async function livesWithOtherCheckout(name: string): Promise<void> {
  const one = await openCluster(name);
  const clone = await mkdtemp(join(tmpdir(), "meshwright-"));
  try {
    await run(["git", "clone", "--quiet", checkout, clone]);
    await symlink(join(checkout, "node_modules"), join(clone, "node_modules"));
    await interrupted(2_500, clone, "up", name);
    await assertWorks(one);
    await cluster(clone, "up", name);
    await assertWorks(one);
    await cluster(clone, "down", name);
    await assertWorks(one);
    await cluster(clone, "up", name);
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
  await cluster(checkout, "up", name);
  await assertClean("after a checkout was deleted with its cluster up");
  await assertWorks(one);
  say("two checkouts: same name, no collision; a deleted checkout's cluster was reclaimed");
}

/** Removes clusters, whatever became of them. */
export async function removeAll(names: readonly string[]): Promise<void> {
  for (const name of names) await attempt(cli(checkout, "down", name));
}
