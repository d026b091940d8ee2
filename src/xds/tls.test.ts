import assert from "node:assert/strict";
import { test } from "node:test";
import { curves, knownSuites } from "./tls.ts";

test("proxies are sent the curves that they have, each once, as they refuse any other list", () => {
  assert.deepEqual(curves({ curves: ["P-256", "P-224", "X25519", "P-256"] }), {
    ecdhCurves: ["P-256", "X25519"],
  });
  assert.deepEqual(curves({ curves: ["P-224"] }), {});
});

test("a suite that only looks like one is none", () => {
  const names = ["ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA", "ECDHE-ECDSA-CHACHA20-POLY1305"];
  const others = ["AES128-GCM-SHA384", "CHACHA20-POLY1305", "ECDHE-RSA-AES256-SHA384"];
  assert.deepEqual(knownSuites([...names, ...others]), names);
});
