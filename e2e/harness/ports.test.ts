import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { freePort } from "./ports.ts";

test("no port is handed out twice, nor one that the kernel may give to others", async () => {
  const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const ports = new Set<number>();
  for (let i = 0; i < 1_500; i += 1) ports.add(await freePort());
  assert.equal(ports.size, 1_500);
  assert.ok(Math.max(...ports) < Number.parseInt(range, 10));
});

test("a port that is taken is passed over", async (t) => {
  const taken = (await freePort()) + 1;
  const server = createServer();
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(taken, "127.0.0.1", resolve));
  assert.notEqual(await freePort(), taken);
});
