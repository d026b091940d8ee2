/** Which version of reviews answers whom: what the routing exercises look at. */
import assert from "node:assert/strict";
import { failure, type HttpRecord, type HttpRequest } from "../harness/http.ts";
import { sendMany } from "../harness/load.ts";
import { applyRoutes, followEdit } from "../harness/routes.ts";
import { networking } from "../harness/samples.ts";
import { tally } from "../harness/statistics.ts";
import { waitFor } from "../harness/wait.ts";
import type { Lab } from "./exercise.ts";

/** Who is signed in. */
export type User = string | undefined;

export const nameOf = (user: User): string => user ?? "nobody signed in";

export const reviewsFor = (user: User): HttpRequest => ({
  path: "/api/v1/products/0/reviews",
  headers: user ? { cookie: `bookinfo-user=${user}` } : {},
});

/** Which version of reviews answered, or what went wrong instead. */
export const versionOf = (record: HttpRecord): string =>
  failure(record) ?? String(record.headers["x-reviews-version"]);

/** Bookinfo with its versions named and without routes, and its page answering at the ingress. */
export async function prepareBookinfo({ cluster, namespace, ingress }: Lab): Promise<void> {
  await cluster.kubectl.delete(networking("virtual-service-all-v1"), namespace);
  await cluster.kubectl.apply(networking("destination-rule-all"), namespace);
  await waitFor(
    { description: "answer of bookinfo through the ingress", deadlineMs: 30_000 },
    async () => {
      const wrong = failure(await ingress.send(reviewsFor(undefined)));
      if (wrong) throw new Error(wrong);
      return true;
    },
  );
}

/** How often each version answers, by name of the version. */
export async function countVersions(
  { ingress }: Lab,
  user: User,
  requests: number,
): Promise<ReadonlyMap<string, number>> {
  const records = await sendMany({ client: ingress, request: reviewsFor(user) }, requests);
  return new Map([...tally(records.map(versionOf))].toSorted(([a], [b]) => a.localeCompare(b)));
}

export const printed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([version, count]) => `${count} × ${version}`).join(", ");

export interface ReviewsEdit {
  /** A file of bookinfo's `networking/`, without its ending. */
  readonly manifest: string;
  readonly user: User;
  /** The only version that answers the user once traffic has followed. */
  readonly version: string;
}

/** Applies an edit under load and tells how long traffic took to follow; no request may fail. */
export async function editReviews(
  lab: Lab,
  { manifest, user, version }: ReviewsEdit,
): Promise<void> {
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
