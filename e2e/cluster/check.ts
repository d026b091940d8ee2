/**
 * Puts local clusters through all they must survive. Ends with exit code 0 only if they did and
 * nothing is left behind.
 *
 * Usage: check.ts [ROUNDS]
 */

import { say } from "./say.ts";
import {
  assertClean,
  livesWithNeighbour,
  livesWithOtherCheckout,
  removeAll,
  survivesDeadComponent,
  survivesDeadNode,
  survivesKilledDown,
  survivesKilledUp,
} from "./scenarios.ts";

const rounds = Number(process.argv[2] ?? 8);
const mine = "check-one";
const others = "check-two";

try {
  await survivesKilledUp(mine, rounds);
  await survivesKilledDown(mine);
  await survivesDeadNode(mine);
  await survivesDeadComponent(mine, "apiserver");
  await survivesDeadComponent(mine, "containerd");
  await livesWithNeighbour(mine, others);
  await livesWithOtherCheckout(mine);
} finally {
  await removeAll([mine, others]);
}
await assertClean("at the end");
say("local clusters survive all of it and leave nothing");
