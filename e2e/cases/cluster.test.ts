import { after, describe, test } from "node:test";
import {
  assertClean,
  livesWithNeighbour,
  removeAll,
  survivesKilledUp,
} from "../cluster/scenarios.ts";
import { up } from "../cluster/up.ts";
import { clusterKind } from "../harness/environment.ts";

const ONE = "e2e-one";
const OTHER = "e2e-other";

// `make cluster-check` does more of this, for minutes.
describe("local clusters", { skip: clusterKind() === "current" }, () => {
  after(async () => {
    await removeAll([ONE, OTHER]);
    await assertClean("after the clusters of this suite went");
  });

  test("a cluster whose creation was killed is completed by the next, and removed", async () => {
    await survivesKilledUp(ONE, 1);
  });

  test("two clusters side by side reach each other and do not depend on each other", async () => {
    await up(ONE);
    await livesWithNeighbour(ONE, OTHER);
  });
});
