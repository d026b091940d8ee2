import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PORTS, PROXY_CONTAINER } from "../../src/api/names.ts";
import { openMesh, ownNamespace, suiteEnd } from "../harness/case.ts";
import type { Cluster } from "../harness/cluster.ts";
import { diagnose } from "../harness/diagnose.ts";
import { sampleImage } from "../harness/environment.ts";
import { HttpClient } from "../harness/http.ts";
import { reachable } from "../harness/in-pod.ts";
import { CLIENT, deploy, HTTPBIN, INJECTED } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";
import { isReady, onePod, type Pod, pods } from "../harness/workloads.ts";

const NAMESPACE = "e2e-injection";

const restricted = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
};

/** Labels of namespace and pod, and whether they ask for a sidecar. */
interface Variant {
  readonly title: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
  readonly want: boolean;
}

interface PodOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
  readonly container?: object;
}

/** A pod of httpbin on port 8000. */
function httpbinPod({ name, labels = {}, spec = {}, container = {} }: PodOptions): object {
  const app = {
    name: "httpbin",
    image: sampleImage,
    args: ["httpbin"],
    env: [{ name: "PORT", value: "8000" }],
    securityContext: restricted,
    ...container,
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: { containers: [app], terminationGracePeriodSeconds: 5, ...spec },
  };
}

describe("injection", () => {
  const end = suiteEnd();
  let cluster: Cluster;

  before(async () => {
    cluster = await openMesh();
    await ownNamespace(end, cluster, { name: NAMESPACE });
  });

  after(() => cluster?.api.close());

  const path = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

  /** Asks the API server what it would store. */
  async function dryRun(namespace: string, pod: object): Promise<Pod> {
    const content = { type: "application/json", body: JSON.stringify(pod) };
    const answer = await cluster.api.send<Pod>("POST", `${path(namespace)}?dryRun=All`, content);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body;
  }

  const hasSidecar = ({ spec }: Pod): boolean =>
    spec?.initContainers?.some(
      ({ name, restartPolicy }) => name === PROXY_CONTAINER && restartPolicy === "Always",
    ) ?? false;

  const variants: readonly Variant[] = [
    { title: "an enabled namespace", namespaceLabels: INJECTED, want: true },
    {
      title: "a namespace of the revision",
      namespaceLabels: { "istio.io/rev": "default" },
      want: true,
    },
    { title: "a namespace without labels", namespaceLabels: {}, want: false },
    {
      title: "a disabled namespace",
      namespaceLabels: { "istio-injection": "disabled" },
      labels: { "sidecar.istio.io/inject": "true" },
      want: false,
    },
    {
      title: "a pod that asks for it",
      namespaceLabels: {},
      labels: { "sidecar.istio.io/inject": "true" },
      want: true,
    },
    {
      title: "a pod that declines it",
      namespaceLabels: INJECTED,
      labels: { "sidecar.istio.io/inject": "false" },
      want: false,
    },
    {
      title: "a pod of the revision",
      namespaceLabels: {},
      labels: { "istio.io/rev": "default" },
      want: true,
    },
    {
      title: "a pod of another revision",
      namespaceLabels: {},
      labels: { "istio.io/rev": "canary" },
      want: false,
    },
    {
      title: "a pod on the host's network",
      namespaceLabels: INJECTED,
      spec: { hostNetwork: true },
      want: false,
    },
  ];

  for (const [i, { title, namespaceLabels, labels = {}, spec = {}, want }] of variants.entries()) {
    test(`${title} ${want ? "gets a sidecar" : "gets none"}`, async (t) => {
      const namespace = `${NAMESPACE}-${i}`;
      await ownNamespace(t, cluster, { name: namespace, labels: namespaceLabels });
      // A new namespace has no service account for a moment, and pods are refused without one.
      await waitFor({ description: `service account in ${namespace}`, deadlineMs: 10_000 }, () =>
        cluster.api.get(`/api/v1/namespaces/${namespace}/serviceaccounts/default`),
      );
      assert.equal(
        hasSidecar(await dryRun(namespace, httpbinPod({ name: "p", labels, spec }))),
        want,
      );
    });
  }

  test("probes work under mTLS, the proxy is ready and shows its statistics", async () => {
    await deploy(cluster, NAMESPACE, [HTTPBIN, CLIENT]);
    const pod = await onePod(cluster, NAMESPACE, "app=httpbin");
    const restarts = [
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.initContainerStatuses ?? []),
    ].map(({ restartCount }) => restartCount);
    assert.deepEqual([...new Set(restarts)], [0]);
    const get = async (port: number, at: string): Promise<string> => {
      const target = { namespace: NAMESPACE, workload: `pod/${pod.metadata.name}` };
      const forward = await cluster.kubectl.forward(target, port);
      const client = new HttpClient(forward);
      const { status, body } = await client.get(at);
      client.close();
      forward.close();
      assert.equal(status, 200, `port ${port} ${at}: ${body}`);
      return body;
    };
    await get(PORTS.readiness, "/healthz/ready");
    assert.match(await get(PORTS.stats, "/stats/prometheus"), /^envoy_server_live\{.*\} 1$/m);
  });

  for (const { title, probe } of [
    { title: "an HTTP probe", probe: { httpGet: { path: "/status/503", port: 8000 } } },
    { title: "a TCP probe", probe: { tcpSocket: { port: 8001 } } },
  ]) {
    test(`${title} that fails keeps the pod unready: a sidecar does not answer for its app`, async (t) => {
      const name = `failing-${Object.keys(probe)[0]?.toLowerCase()}`;
      const container = { readinessProbe: { ...probe, periodSeconds: 1 } };
      const manifest = JSON.stringify(httpbinPod({ name, labels: { name }, container }));
      await cluster.kubectl.applyText(manifest, NAMESPACE);
      t.after(() => cluster.kubectl.run(["delete", "pod", name, "-n", NAMESPACE, "--wait=false"]));
      const failed = await waitFor(
        {
          description: `failed readiness probe of ${name}`,
          deadlineMs: 30_000,
          intervalMs: 250,
          diagnose: () => diagnose(cluster, [NAMESPACE]),
        },
        async () => {
          const query = new URLSearchParams({
            fieldSelector: `involvedObject.name=${name},reason=Unhealthy`,
          });
          const events = await cluster.api.list<{ message: string }>(
            `/api/v1/namespaces/${NAMESPACE}/events?${query.toString()}`,
          );
          return events.find(({ message }) => message.startsWith("Readiness probe failed"));
        },
      );
      assert.match(failed.message, /503|refused/);
      assert.equal(isReady(await onePod(cluster, NAMESPACE, `name=${name}`)), false);
    });
  }

  test("a Job finishes although its sidecar would run for ever, and has a network from its start", async () => {
    const call = { url: `http://httpbin.${NAMESPACE}:8000/get` };
    // What the Job has one try for must be there: the callee, and its name in the cluster's DNS.
    await reachable(cluster, NAMESPACE, call);
    const template = httpbinPod({
      name: "",
      container: { name: "call", args: ["call", JSON.stringify(call)] },
      spec: { restartPolicy: "Never" },
    }) as { spec: object };
    const job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "call" },
      spec: {
        backoffLimit: 0,
        template: { metadata: { labels: { app: "call" } }, spec: template.spec },
      },
    };
    await cluster.kubectl.applyText(JSON.stringify(job), NAMESPACE);
    await waitFor(
      {
        description: "completed Job call",
        deadlineMs: 60_000,
        intervalMs: 250,
        diagnose: () => diagnose(cluster, [NAMESPACE]),
      },
      async () => {
        const found = await cluster.api.get<{ status?: { succeeded?: number; failed?: number } }>(
          `/apis/batch/v1/namespaces/${NAMESPACE}/jobs/call`,
        );
        assert.equal(found?.status?.failed ?? 0, 0, "the Job failed");
        return found?.status?.succeeded === 1;
      },
    );
    const [pod] = await pods(cluster, NAMESPACE, "app=call");
    assert.ok(pod && hasSidecar(pod), "the Job's pod had no sidecar, so this test shows nothing");
    const output = await cluster.kubectl.run([
      "logs",
      `pod/${pod.metadata.name}`,
      "-c",
      "call",
      "-n",
      NAMESPACE,
    ]);
    const [record] = JSON.parse(output) as { status: number }[];
    assert.equal(record?.status, 200, output);
  });
});
