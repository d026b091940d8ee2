import { test } from "node:test";
import fc from "fast-check";
import { randomWorld } from "../../src/testing/random-world.ts";
import { acceptedByEnvoy } from "../golden/validate.ts";

const WORLDS = 15;

test("Envoy accepts what any proxy of any mesh is sent", async () => {
  await fc.assert(
    fc.asyncProperty(randomWorld, async (worlds) => {
      for (const { configuration } of worlds) await acceptedByEnvoy(configuration);
    }),
    { numRuns: WORLDS, endOnFailure: true },
  );
});
