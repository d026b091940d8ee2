/**
 * `make test`: lint, unit, integration and end-to-end tests, one after the other, and a line of
 * totals at the end. `node e2e/test.ts e2e [CASE…]` runs one stage, or those files of it whose path
 * contains one of the words.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { say } from "./cluster/say.ts";
import { CLUSTER_NAME } from "./harness/case.ts";
import { bringUp, takeDown } from "./harness/cluster.ts";
import { checkout } from "./harness/environment.ts";
import { installMesh } from "./harness/mesh.ts";

/** Ctrl-C ends the tests but not the program: the cluster must still go. A second one ends all. */
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));

interface Count {
  readonly passed: number;
  readonly failed: number;
}

interface Stage {
  readonly name: string;
  readonly run: (words: readonly string[]) => Promise<Count>;
}

const sum = (counts: readonly Count[]): Count => ({
  passed: counts.reduce((total, { passed }) => total + passed, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
});

async function lint(): Promise<Count> {
  const child = spawn("npm", ["run", "--silent", "check"], { cwd: checkout, stdio: "inherit" });
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs test files in processes of their own and counts tests, not suites. */
async function runFiles(
  patterns: readonly string[],
  concurrency: number | boolean,
  words: readonly string[],
): Promise<Count> {
  const found = globSync(patterns, { cwd: checkout, exclude: ["**/node_modules/**"] }).toSorted();
  const files = found.filter((file) => words.every((word) => file.includes(word)));
  if (files.length === 0)
    throw new Error(`no test files match ${[...patterns, ...words].join(" ")}`);
  const count = { passed: 0, failed: 0 };
  const stream = run({
    files: files.map((file) => join(checkout, file)),
    concurrency,
    signal: interrupted.signal,
  });
  stream.on("test:summary", ({ counts, file }) => {
    // The summary of all files is the one that names none.
    if (file !== undefined) return;
    count.passed = counts.passed;
    count.failed = counts.tests - counts.passed - counts.skipped - counts.todo;
  });
  const shown = stream.compose(new spec());
  shown.pipe(process.stdout, { end: false });
  await new Promise((resolve, reject) => shown.once("end", resolve).once("error", reject));
  return count;
}

/** The cases share one cluster with one mesh, which is made for them and goes with them. */
async function endToEnd(words: readonly string[]): Promise<Count> {
  const name = process.env[CLUSTER_NAME] || "test";
  process.env[CLUSTER_NAME] = name;
  try {
    const cluster = await bringUp(name);
    await installMesh(cluster);
    cluster.api.close();
    interrupted.signal.throwIfAborted();
    say("the mesh is ready: running the cases");
    return await runFiles(["e2e/cases/**/*.test.ts"], 1, words);
  } finally {
    if (process.env["KEEP"] !== "1") await takeDown(name);
  }
}

const UNIT = [
  "src/**/*.test.ts",
  "images/**/*.test.ts",
  "tools/**/*.test.ts",
  "e2e/{harness,cluster}/**/*.test.ts",
];

const stages: readonly Stage[] = [
  { name: "lint", run: lint },
  { name: "unit", run: (words) => runFiles(UNIT, true, words) },
  { name: "integration", run: (words) => runFiles(["e2e/integration/**/*.test.ts"], 1, words) },
  { name: "e2e", run: endToEnd },
];

async function runStage({ name, run: start }: Stage, words: readonly string[]): Promise<Count> {
  say(`${name} tests`);
  try {
    interrupted.signal.throwIfAborted();
    return await start(words);
  } catch (error) {
    // A stage that could not run is a failed test: the others still tell what they know.
    say(`${name} tests: ${error instanceof Error ? error.message : String(error)}`);
    return { passed: 0, failed: 1 };
  }
}

const [wanted, ...words] = process.argv.slice(2);
const counts: Count[] = [];
for (const stage of stages.filter(({ name }) => wanted === undefined || name === wanted)) {
  const count = await runStage(stage, words);
  say(`${stage.name} tests: ${count.passed} passed, ${count.failed} failed`);
  counts.push(count);
}
const { passed, failed } = sum(counts);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
