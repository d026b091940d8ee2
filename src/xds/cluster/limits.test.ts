import assert from "node:assert/strict";
import { test } from "node:test";
import { keepalive } from "./limits.ts";

test("keepalive is within what Linux takes: 1 to 32767 seconds", () => {
  const { upstreamConnectionOptions } = keepalive({
    keepalive: { timeMs: 12 * 3_600_000, intervalMs: 1 },
  });
  assert.deepEqual(upstreamConnectionOptions?.tcpKeepalive, {
    keepaliveTime: 32_767,
    keepaliveInterval: 1,
  });
});
