/** Request routing: who is signed in decides which version of reviews answers. */
import assert from "node:assert/strict";
import { failure, type HttpRecord, type HttpRequest } from "../../harness/http.ts";
import { sendMany } from "../../harness/load.ts";
import { applyRoutes, followEdit } from "../../harness/routes.ts";
import { networking } from "../../harness/samples.ts";
import { agrees, tally } from "../../harness/statistics.ts";
import { waitFor } from "../../harness/wait.ts";
import type { Exercise, Lab } from "../exercise.ts";

const REQUESTS = 100;
const EVERYONE = ["jason", "alice", undefined] as const;

type User = (typeof EVERYONE)[number];

const nameOf = (user: User): string => user ?? "nobody signed in";

const reviewsFor = (user: User): HttpRequest => ({
  path: "/api/v1/products/0/reviews",
  headers: user ? { cookie: `bookinfo-user=${user}` } : {},
});

/** Which version of reviews answered, or what went wrong instead. */
export const versionOf = (record: HttpRecord): string =>
  failure(record) ?? String(record.headers["x-reviews-version"]);

async function countVersions({ ingress }: Lab, user: User): Promise<ReadonlyMap<string, number>> {
  const records = await sendMany({ client: ingress, request: reviewsFor(user) }, REQUESTS);
  return tally(records.map(versionOf));
}

const printed = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([version, count]) => `${count} × ${version}`)
    .join(", ");

/** All requests of each user must be answered by the version that `want` says. */
async function assertVersions(lab: Lab, want: (user: User) => string): Promise<void> {
  for (const user of EVERYONE) {
    const counts = await countVersions(lab, user);
    lab.say(`${nameOf(user)}: ${printed(counts)}`);
    assert.deepEqual([...counts], [[want(user), REQUESTS]], `reviews for ${nameOf(user)}`);
  }
}

/** Applies an edit under load and tells how long traffic took to follow. */
export async function edit(lab: Lab, manifest: string, user: User, version: string): Promise<void> {
  const { ms, requests, failures } = await followEdit({
    client: lab.ingress,
    request: reviewsFor(user),
    apply: () => applyRoutes(lab.cluster, networking(manifest), lab.namespace),
    isNew: (record) => versionOf(record) === version,
    description: `answer of reviews ${version} alone for ${nameOf(user)} after ${manifest}.yaml`,
  });
  lab.say(
    `applied ${manifest}.yaml under load: ${nameOf(user)} gets ${version} after ${ms.toFixed(0)} ms; ${requests} requests, ${failures.length} failed`,
  );
  assert.deepEqual(failures, [], `requests failed while ${manifest}.yaml was applied`);
}

async function assertSpread(lab: Lab): Promise<void> {
  const counts = await countVersions(lab, undefined);
  lab.say(`without routes every version answers: ${printed(counts)}`);
  assert.deepEqual([...counts.keys()].toSorted(), ["v1", "v2", "v3"]);
  for (const [version, count] of counts)
    assert.ok(agrees(count, REQUESTS, 1 / 3), `${count} of ${REQUESTS} answers by ${version}`);
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

export const requestRouting: Exercise = {
  title: "Request routing",
  page: "docs/request-routing.md",

  async run(lab) {
    const { cluster, namespace, ingress } = lab;
    await cluster.kubectl.apply(networking("destination-rule-all"), namespace);
    await waitFor(
      { description: "answer of bookinfo through the ingress", deadlineMs: 30_000 },
      async () => {
        const wrong = failure(await ingress.send(reviewsFor(undefined)));
        if (wrong) throw new Error(wrong);
        return true;
      },
    );
    await assertSpread(lab);
    await edit(lab, "virtual-service-all-v1", undefined, "v1");
    await assertVersions(lab, () => "v1");
    await edit(lab, "virtual-service-reviews-test-v2", "jason", "v2");
    await assertVersions(lab, (user) => (user === "jason" ? "v2" : "v1"));
    await assertPage(lab);
    await edit(lab, "virtual-service-reviews-v3", "alice", "v3");
    await edit(lab, "virtual-service-reviews-test-v2", "alice", "v1");
    await assertVersions(lab, (user) => (user === "jason" ? "v2" : "v1"));
  },
};
