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

interface Summary {
  readonly pods?: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly {
      readonly name: string;
      readonly memory?: { readonly workingSetBytes?: number };
    }[];
  }[];
}

interface Sample {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly bytes: number;
}

async function samples({ api }: Cluster): Promise<Sample[]> {
  const nodes = await api.list<KubeObject>("/api/v1/nodes");
  const summaries = await Promise.all(
    nodes.map(({ metadata }) =>
      api.get<Summary>(`/api/v1/nodes/${metadata.name}/proxy/stats/summary`),
    ),
  );
  return summaries
    .flatMap((summary) => summary?.pods ?? [])
    .flatMap(({ podRef, containers = [] }) =>
      containers.map(({ name, memory }) => ({
        namespace: podRef.namespace,
        pod: podRef.name,
        container: name,
        bytes: memory?.workingSetBytes ?? 0,
      })),
    );
}

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
