/**
 * `make test`: lint, unit and integration tests, beside them those on a cluster, and a line of
 * totals at the end. `node e2e/test.ts e2e [CASE…]` runs one stage, or those files of it whose path
 * contains one of the words.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
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
  readonly run: (words: readonly string[], output: NodeJS.WritableStream) => Promise<Count>;
}

const sum = (counts: readonly Count[]): Count => ({
  passed: counts.reduce((total, { passed }) => total + passed, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
});

async function lint(_: readonly string[], output: NodeJS.WritableStream): Promise<Count> {
  const child = spawn("npm", ["run", "--silent", "check"], { cwd: checkout });
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

interface Files {
  readonly patterns: readonly string[];
  readonly concurrency: number | boolean;
}

/** No file takes a third of it; one that does would hold up all others for ever. */
const STUCK_MS = 15 * 60_000;

/** Runs test files in processes of their own and counts tests, not suites. */
async function runFiles(
  { patterns, concurrency }: Files,
  words: readonly string[],
  output: NodeJS.WritableStream,
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
    timeout: STUCK_MS,
    execArgv: ["--import", join(checkout, "e2e/harness/leave.ts")],
  });
  stream.on("test:summary", ({ counts, file }) => {
    // The summary of all files is the one that names none.
    if (file !== undefined) return;
    count.passed = counts.passed;
    count.failed = counts.tests - counts.passed - counts.skipped - counts.todo;
  });
  await pipeline(stream, new spec(), output, { end: false });
  return count;
}

/**
 * The cases share one cluster with one mesh, which is made for them and goes with them. Those in
 * folders run when they are asked for: they take a machine for themselves or have yet to prove themselves.
 */
async function endToEnd(words: readonly string[], output: NodeJS.WritableStream): Promise<Count> {
  const name = process.env[CLUSTER_NAME] || "test";
  process.env[CLUSTER_NAME] = name;
  try {
    const cluster = await bringUp(name);
    await installMesh(cluster);
    cluster.api.close();
    interrupted.signal.throwIfAborted();
    say("the mesh is ready: running the cases");
    const patterns = [words.length > 0 ? "e2e/cases/**/*.test.ts" : "e2e/cases/*.test.ts"];
    const files = { patterns, concurrency: 1 };
    return await runFiles(files, words, output);
  } finally {
    if (process.env["KEEP"] !== "1") await takeDown(name);
  }
}

const UNIT = [
  "src/**/*.test.ts",
  "images/**/*.test.ts",
  "tools/**/*.test.ts",
  "e2e/{bench,cluster,demo,harness}/**/*.test.ts",
];

const INTEGRATION = ["e2e/integration/**/*.test.ts"];

const STAGES = {
  lint: { name: "lint", run: lint },
  unit: {
    name: "unit",
    run: (words, output) => runFiles({ patterns: UNIT, concurrency: true }, words, output),
  },
  integration: {
    name: "integration",
    run: (words, output) => runFiles({ patterns: INTEGRATION, concurrency: 1 }, words, output),
  },
  e2e: { name: "e2e", run: endToEnd },
} satisfies Record<string, Stage>;

async function runStage(
  { name, run: start }: Stage,
  words: readonly string[],
  output: NodeJS.WritableStream = process.stdout,
): Promise<Count> {
  say(`${name} tests`);
  let count = { passed: 0, failed: 1 };
  try {
    interrupted.signal.throwIfAborted();
    count = await start(words, output);
  } catch (error) {
    // A stage that could not run is a failed test: the others still tell what they know.
    say(`${name} tests: ${error instanceof Error ? error.message : String(error)}`);
  }
  say(`${name} tests: ${count.passed} passed, ${count.failed} failed`);
  return count;
}

/** What may be printed before its turn; far more than there ever is. */
const HELD_BYTES = 64 * 1024 * 1024;

async function inTurn(stages: readonly Stage[], output: NodeJS.WritableStream): Promise<Count> {
  const counts: Count[] = [];
  for (const stage of stages) counts.push(await runStage(stage, [], output));
  return sum(counts);
}

/**
 * Tests on a cluster wait more than they work, so the others run beside them. What those print
 * comes after what these do.
 */
async function all(): Promise<Count> {
  const { lint: types, unit, integration, e2e } = STAGES;
  const report = new PassThrough({ highWaterMark: HELD_BYTES });
  const counts = await Promise.all([runStage(e2e, []), inTurn([types, unit, integration], report)]);
  report.end();
  await pipeline(report, process.stdout, { end: false });
  return sum(counts);
}

const [wanted, ...words] = process.argv.slice(2);
const stage: Stage | undefined = Object.values(STAGES).find(({ name }) => name === wanted);
if (wanted !== undefined && stage === undefined)
  throw new Error(`no stage ${wanted}: there are ${Object.keys(STAGES).join(", ")}`);
const { passed, failed } = stage ? await runStage(stage, words) : await all();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
