/** Many sidecars in one namespace, and one Service of it that tests lead from pod to pod. */
import assert from "node:assert/strict";
import { mergePatch } from "../../harness/api.ts";
import type { Cluster } from "../../harness/cluster.ts";
import { diagnose } from "../../harness/diagnose.ts";
import { sampleImage } from "../../harness/environment.ts";
import { failure, type HttpClient } from "../../harness/http.ts";
import { waitFor } from "../../harness/wait.ts";
import { livingPods, rolledOut } from "../../harness/workloads.ts";

export const NAMESPACE = "e2e-crowd";
export const CROWD = 60;
/** A busy machine starts sixty pods in minutes, not in seconds. */
const CROWD_MS = 420_000;
/** What is promised after a fault. */
const FOLLOWED_MS = 15_000;
/** Clients are told within this that a pod is on its way out. */
const DRAIN_SECONDS = 5;
/** So many of them go, and so many others come, at once. */
const STEP = 10;

export const LANE_HEADER = { lane: "open" };

/** More of httpbin, which the sample's Service takes for its own. */
const crowd = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "crowd" },
  spec: {
    replicas: CROWD,
    selector: { matchLabels: { app: "httpbin", version: "crowd" } },
    strategy: { rollingUpdate: { maxSurge: STEP, maxUnavailable: STEP } },
    template: {
      metadata: { labels: { app: "httpbin", version: "crowd" } },
      spec: {
        automountServiceAccountToken: false,
        containers: [
          {
            name: "httpbin",
            image: sampleImage,
            args: ["httpbin"],
            env: [{ name: "PORT", value: "8000" }],
            // Few requests come to each: that none has come for a while does not tell it that none will.
            lifecycle: { preStop: { sleep: { seconds: DRAIN_SECONDS } } },
            resources: { requests: { cpu: "5m", memory: "8Mi" } },
            readinessProbe: {
              httpGet: { path: "/health", port: 8000 },
              periodSeconds: 2,
              timeoutSeconds: 10,
            },
          },
        ],
      },
    },
  },
};

/** Behind a header of its own: those of the crowd that are labelled so. */
const lane = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "lane" },
    spec: { selector: LANE_HEADER, ports: [{ name: "http", port: 8000 }] },
  },
  {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "lane" },
    spec: {
      hosts: [`${NAMESPACE}.test`],
      gateways: ["exposed"],
      http: [
        {
          match: [{ headers: { lane: { exact: LANE_HEADER.lane } } }],
          route: [{ destination: { host: "lane", port: { number: 8000 } } }],
        },
      ],
    },
  },
];

/** Sixty pods that start at once. */
export async function gather({ kubectl, ...cluster }: Cluster): Promise<void> {
  for (const one of [...lane, crowd]) await kubectl.applyText(JSON.stringify(one), NAMESPACE);
  await rolledOut({ kubectl, ...cluster }, NAMESPACE, CROWD_MS);
}

/** Replaces all of the crowd, and returns how it is called now. */
export async function roll(cluster: Cluster): Promise<readonly string[]> {
  await cluster.kubectl.run(["rollout", "restart", "deployment/crowd", "-n", NAMESPACE]);
  await rolledOut(cluster, NAMESPACE, CROWD_MS);
  return crowdPods(cluster);
}

export async function crowdPods(cluster: Cluster): Promise<readonly string[]> {
  const living = await livingPods(cluster, NAMESPACE, "version=crowd");
  return living.map(({ metadata }) => metadata.name).sort();
}

export class Lane {
  readonly #cluster: Cluster;
  readonly #ingress: HttpClient;

  constructor(cluster: Cluster, ingress: HttpClient) {
    this.#cluster = cluster;
    this.#ingress = ingress;
  }

  /** Leads the lane to these pods of the crowd and to no others; never to none. */
  async lead(...pods: readonly string[]): Promise<void> {
    const before = await livingPods(this.#cluster, NAMESPACE, "lane=open");
    const gone = before.map(({ metadata }) => metadata.name).filter((pod) => !pods.includes(pod));
    for (const pod of pods) await this.#label(pod, LANE_HEADER.lane);
    for (const pod of gone) await this.#label(pod, null);
  }

  /** A pod that it does not lead to. */
  async other(): Promise<string> {
    const taken = await livingPods(this.#cluster, NAMESPACE, "lane=open");
    const names = taken.map(({ metadata }) => metadata.name);
    const free = (await crowdPods(this.#cluster)).find((pod) => !names.includes(pod));
    assert.ok(free, "all of the crowd is in the lane");
    return free;
  }

  async #label(pod: string, value: string | null): Promise<void> {
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}`;
    const patch = mergePatch({ metadata: { labels: { lane: value } } });
    const { status, body } = await this.#cluster.api.send("PATCH", path, patch);
    assert.equal(status, 200, JSON.stringify(body));
  }

  /** Waits until requests of the lane come to each of these pods and to no other. */
  leadsTo(...pods: readonly string[]): Promise<unknown> {
    return waitFor(
      {
        description: `traffic of the lane at ${pods.join(" and ")} alone`,
        deadlineMs: FOLLOWED_MS,
        intervalMs: 20,
        diagnose: () => diagnose(this.#cluster, [NAMESPACE]),
      },
      async () => {
        const requests = Array.from({ length: 4 * pods.length }, () => this.get("/get"));
        const records = await Promise.all(requests);
        const seen = records.map((one) => failure(one) ?? String(JSON.parse(one.body).podname));
        const isSo = pods.every((pod) => seen.includes(pod));
        if (!isSo || seen.some((one) => !pods.includes(one))) throw new Error(seen.join(", "));
        return true;
      },
    );
  }

  get(path: string): ReturnType<HttpClient["get"]> {
    return this.#ingress.get(path, LANE_HEADER);
  }
}
