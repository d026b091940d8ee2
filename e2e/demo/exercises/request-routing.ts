/** Request routing: who is signed in decides which version of reviews answers. */
import assert from "node:assert/strict";
import type { Exercise, Lab } from "../exercise.ts";
import {
  countVersions,
  editReviews,
  nameOf,
  prepareBookinfo,
  printed,
  reviewsFor,
  type User,
} from "../reviews.ts";

const REQUESTS = 100;
/** Nobody promises equal shares: who answers sooner is asked more. */
const SOME = 5;
const EVERYONE: readonly User[] = ["jason", "alice", undefined];

/** All requests of each user must be answered by the version that `want` says. */
async function assertVersions(lab: Lab, want: (user: User) => string): Promise<void> {
  for (const user of EVERYONE) {
    const counts = await countVersions(lab, user, REQUESTS);
    lab.say(`${nameOf(user)}: ${printed(counts)}`);
    assert.deepEqual([...counts], [[want(user), REQUESTS]], `reviews for ${nameOf(user)}`);
  }
}

async function assertSpread(lab: Lab): Promise<void> {
  const counts = await countVersions(lab, undefined, REQUESTS);
  lab.say(`without routes every version answers: ${printed(counts)}`);
  assert.deepEqual([...counts.keys()], ["v1", "v2", "v3"]);
  for (const [version, count] of counts)
    assert.ok(count >= SOME, `${count} of ${REQUESTS} answers by ${version}`);
}

async function assertPage({ ingress, say }: Lab): Promise<void> {
  const stars = async (user: User): Promise<number> => {
    const { headers = {} } = reviewsFor(user);
    return (await ingress.get("/productpage", headers)).body.split("★").length - 1;
  };
  const [jason, nobody] = [await stars("jason"), await stars(undefined)];
  say(`/productpage shows ${jason} stars to jason and ${nobody} to others`);
  assert.deepEqual({ jason, nobody }, { jason: 9, nobody: 0 });
}

const jasonV2 = (user: User): string => (user === "jason" ? "v2" : "v1");

export const requestRouting: Exercise = {
  title: "Request routing",
  page: "docs/request-routing.md",

  async run(lab) {
    const toJason = "virtual-service-reviews-test-v2";
    await prepareBookinfo(lab);
    await assertSpread(lab);
    await editReviews(lab, {
      manifest: "virtual-service-all-v1",
      user: undefined,
      version: "v1",
    });
    await assertVersions(lab, () => "v1");
    await editReviews(lab, { manifest: toJason, user: "jason", version: "v2" });
    await assertVersions(lab, jasonV2);
    await assertPage(lab);
    await editReviews(lab, {
      manifest: "virtual-service-reviews-v3",
      user: "alice",
      version: "v3",
    });
    await editReviews(lab, { manifest: toJason, user: "alice", version: "v1" });
    await assertVersions(lab, jasonV2);
  },
};
