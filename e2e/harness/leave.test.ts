import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";

function tests(code: string): ChildProcess {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawn(
    process.execPath,
    [
      "--import",
      join(import.meta.dirname, "leave.ts"),
      "--test-reporter=tap",
      "--input-type=module",
      "--eval",
      `import { test } from "node:test";\n${code}`,
    ],
    { env: { ...env, LEAVE_AFTER_MS: "500" }, stdio: ["ignore", "pipe", "pipe"] },
  );
}

async function outcome(child: ChildProcess) {
  assert.ok(child.stdout !== null && child.stderr !== null);
  const closed = once(child, "close");
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await closed)[0] as number, passed: out.match(/^ok /gm)?.length ?? 0, err };
}

test("what tests leave open ends with them, and is told", async () => {
  const child = tests(`
    import { createServer } from "node:net";
    test("one", () => { createServer().listen(0); });`);
  const { code, passed, err } = await outcome(child);
  assert.equal(code, 1);
  assert.equal(passed, 1);
  assert.match(err, /still open .*TCPSERVERWRAP/i);
});

test("whoever reads slowly still gets every report", async () => {
  const child = tests(`
    for (let i = 0; i < 3000; i++) test("x".repeat(100), () => {});
    test("the last", () => { process.stderr.write("over"); });`);
  assert.ok(child.stderr !== null);
  await once(child.stderr, "data");
  // The process is to wait for longer than its grace.
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 1_500);
  await promise;
  const { code, passed, err } = await outcome(child);
  assert.equal(code, 0, err);
  assert.equal(passed, 3001);
});
