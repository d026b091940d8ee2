import { hash } from "node:crypto";

const ROUNDS = 1_000;

/**
 * CPU time (ms) of one and the same work, in native code and in JavaScript. Machines that others use
 * too are faster at one time than at another: figures of two runs say no more than these do.
 */
export function fixedWorkMs(): number {
  const before = process.cpuUsage();
  const block = Buffer.alloc(100_000);
  const seen = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    block.write(hash("sha256", block));
    for (let i = 0; i < ROUNDS; i++) seen.set(`key-${(round * i) % 9_973}`, i);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
