/** Circuit breaking: a callee that has enough to do, or fails, is left alone. */
import assert from "node:assert/strict";
import type { EnvoyAdmin } from "../../harness/envoy.ts";
import { CLIENT, deploy, HTTPBIN, httpbin } from "../../harness/samples.ts";
import { waitFor } from "../../harness/wait.ts";
import {
  growth,
  listed,
  outcomeOf,
  outcomes,
  send,
  statistic,
  withClientEnvoy,
} from "../answers.ts";
import type { Exercise, InnerLab } from "../exercise.ts";

const HTTPBIN_URL = "http://httpbin:8000";
const CALLERS = 6;
const REQUESTS = 60;
const FAILURES = 3;
const EJECTION_MS = 3_000;

const clusterOf = ({ namespace }: InnerLab): string =>
  `outbound|8000||httpbin.${namespace}.svc.cluster.local`;

/** Applies a DestinationRule and waits until the client's Envoy has what it says. */
async function applyRule(
  lab: InnerLab,
  envoy: EnvoyAdmin,
  rule: { readonly manifest: string; readonly shows: RegExp },
): Promise<void> {
  await lab.cluster.kubectl.apply(httpbin(rule.manifest), lab.namespace);
  const names = encodeURIComponent(`^${clusterOf(lab).replaceAll("|", "\\|")}$`);
  const dump = `/config_dump?resource=dynamic_active_clusters&name_regex=${names}`;
  await waitFor(
    { description: `effect of ${rule.manifest}.yaml at the client`, deadlineMs: 15_000 },
    async () => rule.shows.test(await envoy.get(dump)),
  );
}

const manyAtOnce = (lab: InnerLab) =>
  send(lab, { url: `${HTTPBIN_URL}/delay/0.05`, count: REQUESTS, concurrency: CALLERS });

async function assertOverflow(lab: InnerLab, envoy: EnvoyAdmin): Promise<void> {
  const before = outcomes(await manyAtOnce(lab));
  lab.say(`${CALLERS} callers without limits: ${listed(before)}`);
  assert.deepEqual([...before], [["200", REQUESTS]]);
  await applyRule(lab, envoy, {
    manifest: "destination-rule-circuit-breaker",
    shows: /"max_connections": 1,/,
  });
  const counter = statistic(clusterOf(lab), "upstream_rq_pending_overflow");
  const { value: records, grown } = await growth(envoy, [counter], () => manyAtOnce(lab));
  const counts = outcomes(records);
  const refused = counts.get("503 UO") ?? 0;
  lab.say(`one connection, one waiting request: ${listed(counts)}; Envoy counted ${grown[0]}`);
  assert.equal(
    (counts.get("200") ?? 0) + refused,
    REQUESTS,
    `also other answers: ${listed(counts)}`,
  );
  assert.ok(refused > 0 && refused < REQUESTS, listed(counts));
  assert.deepEqual(grown, [refused], "Envoy's counter and the client disagree");
  const alone = outcomes(await send(lab, { url: `${HTTPBIN_URL}/get`, count: 20 }));
  lab.say(`one caller alone: ${listed(alone)}`);
  assert.deepEqual([...alone], [["200", 20]]);
}

async function assertEjection(lab: InnerLab, envoy: EnvoyAdmin): Promise<void> {
  await applyRule(lab, envoy, {
    manifest: "destination-rule-outlier-detection",
    shows: /"consecutive_5xx": 3/,
  });
  const ejected = statistic(clusterOf(lab), "outlier_detection.ejections_active");
  const ejections = statistic(clusterOf(lab), "outlier_detection.ejections_enforced_total");
  const at = performance.now();
  // In one go: what comes after the failures must come while the ejection lasts.
  const failing = { url: `${HTTPBIN_URL}/status/500`, count: FAILURES + 1 };
  const { value: records, grown } = await growth(envoy, [ejections], () => send(lab, failing));
  lab.say(
    `${FAILURES} failures in a row, and httpbin is ejected: ${listed(outcomes(records))}; Envoy counted ${grown[0]}`,
  );
  assert.deepEqual(
    records.map(outcomeOf),
    [...Array<string>(FAILURES).fill("500"), "503 UH"],
    "the last request should find nobody to go to",
  );
  assert.deepEqual(grown, [1], "ejections that Envoy counted");
  await waitFor(
    { description: "answer of httpbin after its ejection", deadlineMs: 20_000 },
    async () => {
      const [record] = await send(lab, { url: `${HTTPBIN_URL}/get` });
      return record?.status === 200;
    },
  );
  const ms = performance.now() - at;
  lab.say(`it is back after ${(ms / 1_000).toFixed(1)} s`);
  assert.ok(ms >= EJECTION_MS, `it was ejected for ${ms} ms only`);
  assert.equal(await envoy.total(ejected), 0);
}

export const circuitBreaking = {
  title: "Circuit breaking",
  page: "docs/circuit-breaking.md",

  async run(lab: InnerLab) {
    const { cluster, namespace } = lab;
    await deploy(cluster, namespace, [CLIENT, HTTPBIN]);
    await cluster.kubectl.delete(httpbin("destination-rule-circuit-breaker"), namespace);
    await cluster.kubectl.apply(httpbin("virtual-service"), namespace);
    await waitFor(
      { description: "routes of httpbin at the client", deadlineMs: 15_000 },
      async () => {
        const [record] = await send(lab, { url: `${HTTPBIN_URL}/get` });
        return record?.headers["x-response-flags"] === "-";
      },
    );
    await withClientEnvoy(lab, async (envoy) => {
      await assertOverflow(lab, envoy);
      await assertEjection(lab, envoy);
    });
    await cluster.kubectl.delete(httpbin("destination-rule-outlier-detection"), namespace);
  },
} satisfies Exercise;
