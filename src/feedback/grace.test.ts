import assert from "node:assert/strict";
import { test } from "node:test";
import type { Diagnostic } from "../api/diagnostic.ts";
import { conditionsOf, transition } from "./conditions.ts";
import { Grace } from "./grace.ts";

const fault = (code: `MESH${number}`): Diagnostic => ({
  code,
  level: "warning",
  object: "Gateway edge/web",
  path: "spec.selector",
  message: "is wrong: correct it",
});
const GONE = fault("MESH0121");
const LASTING = fault("MESH0115");
const HALF_A_MINUTE = 30_000;

const codes = ({ diagnostics }: { readonly diagnostics: readonly Diagnostic[] }) =>
  diagnostics.map(({ code }) => code);

test("what may pass is told once it has lasted, everything else at once", () => {
  const grace = new Grace();
  const tell = (now: number, ...found: readonly Diagnostic[]) => grace.tell("a", found, [], now);
  assert.deepEqual(tell(0, LASTING, GONE), { diagnostics: [LASTING], restMs: HALF_A_MINUTE });
  assert.equal(tell(20_000, GONE).restMs, 10_000);
  assert.deepEqual(codes(tell(HALF_A_MINUTE, GONE)), ["MESH0121"]);
  assert.deepEqual(codes(tell(40_000)), [], "pods are back");
  assert.deepEqual(codes(tell(41_000, GONE)), [], "and go again");
  assert.deepEqual(codes(grace.tell("b", [GONE], [], 90_000)), [], "of another object");
});

test("what nobody is told of holds back, and is not told in the end", () => {
  const grace = new Grace();
  const gap = { ...GONE, untold: true } as const;
  assert.deepEqual(grace.tell("a", [LASTING, gap], [], 0), {
    diagnostics: [LASTING],
    restMs: HALF_A_MINUTE,
  });
  const later = grace.tell("a", [LASTING, gap], [], HALF_A_MINUTE);
  assert.deepEqual(later, { diagnostics: [LASTING], restMs: 0 });
});

test("what the status says already is not taken back, whoever said it", () => {
  const told = transition([], conditionsOf({ generation: 1, diagnostics: [GONE] }), new Date());
  const { diagnostics, restMs } = new Grace().tell("a", [GONE], told ?? [], 0);
  assert.deepEqual([diagnostics, restMs], [[GONE], 0]);
});
