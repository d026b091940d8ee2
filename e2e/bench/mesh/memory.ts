/** Working sets as the kubelet counts them (usage less inactive file pages). */
import {
  CONTROL_PLANE_NAMESPACE,
  OPERATOR_NAMESPACE,
  PROXY_CONTAINER,
} from "../../../src/api/names.ts";
import type { KubeObject } from "../../../src/api/object.ts";
import type { Cluster } from "../../harness/cluster.ts";
import {
  type Findings,
  type Goal,
  mebibytes,
  median,
  type Row,
  table,
  verdict,
} from "../report.ts";

interface Sample {
  readonly namespace: string;
  readonly container: string;
  readonly bytes: number;
}

/** Not from the kubelet's summary, which needs to know the disk as well and does not everywhere. */
async function samples({ api }: Cluster): Promise<Sample[]> {
  const nodes = await api.list<KubeObject>("/api/v1/nodes");
  const pages = await Promise.all(
    nodes.map(({ metadata }) =>
      api.get<string>(`/api/v1/nodes/${metadata.name}/proxy/metrics/resource`),
    ),
  );
  return [...pages.join("\n").matchAll(WORKING_SET)].map(
    ([, container = "", namespace = "", bytes]) => ({ namespace, container, bytes: Number(bytes) }),
  );
}

const WORKING_SET =
  /^container_memory_working_set_bytes\{container="([^"]*)",namespace="([^"]*)",pod="[^"]*"\} (\S+)/gm;

/** What belongs together, how it is found, and the most it should take. */
const PARTS: readonly {
  readonly title: string;
  readonly goalMiB: number;
  readonly has: (sample: Sample) => boolean;
}[] = [
  {
    title: "operator",
    goalMiB: 120,
    has: ({ namespace }) => namespace === OPERATOR_NAMESPACE,
  },
  {
    title: "control plane",
    goalMiB: 150,
    has: ({ namespace, container }) =>
      namespace === CONTROL_PLANE_NAMESPACE && container !== PROXY_CONTAINER,
  },
  {
    title: "sidecar",
    goalMiB: 60,
    has: ({ namespace, container }) =>
      namespace !== CONTROL_PLANE_NAMESPACE && container === PROXY_CONTAINER,
  },
];

export async function workingSets(cluster: Cluster): Promise<Findings> {
  const all = await samples(cluster);
  const measured = PARTS.map(({ title, goalMiB, has }) => {
    const bytes = all.filter(has).map((sample) => sample.bytes);
    if (bytes.length === 0) throw new Error(`the kubelet counts no container of the ${title}`);
    const goal: Goal = {
      what: `working set of the ${title}, idle, largest of ${bytes.length}`,
      measured: Math.max(...bytes),
      most: goalMiB * 2 ** 20,
      show: mebibytes,
    };
    const row: Row = [
      title,
      String(bytes.length),
      mebibytes(median(bytes)),
      mebibytes(goal.measured),
      verdict(goal),
    ];
    return { row, goal };
  });
  const rows = measured.map(({ row }) => row);
  const head = ["part", "containers", "median", "largest", "goal"];
  return {
    text: `Working set, idle\n\n${table(head, rows)}`,
    goals: measured.map(({ goal }) => goal),
  };
}
