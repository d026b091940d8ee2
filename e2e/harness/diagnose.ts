/** What a person wants to see when something did not happen. */
import { CONTROL_PLANE_NAMESPACE, OPERATOR_NAMESPACE } from "../../src/api/names.ts";
import type { Cluster } from "./cluster.ts";

const LOG_LINES = 15;
const EVENTS = 15;

/** MeshConfig, pods, warnings and the last words of operator and control plane, as text. */
export async function diagnose(
  cluster: Cluster,
  namespaces: readonly string[] = [],
): Promise<string> {
  const all = [...new Set([...namespaces, CONTROL_PLANE_NAMESPACE, OPERATOR_NAMESPACE])];
  const sections = await Promise.all([
    section(cluster, "MeshConfig", [
      "get",
      "meshconfigs",
      '-o=jsonpath={range .items[*]}{.metadata.name}: {.status}{"\\n"}{end}',
    ]),
    ...all.map((namespace) =>
      section(cluster, `pods in ${namespace}`, ["get", "pods", "-o=wide", "-n", namespace]),
    ),
    ...all.map((namespace) =>
      section(cluster, `warnings in ${namespace}`, warnings(namespace), EVENTS),
    ),
    section(cluster, "operator", logs(OPERATOR_NAMESPACE, "deploy/meshwright-operator")),
    section(
      cluster,
      "control plane",
      logs(CONTROL_PLANE_NAMESPACE, "deploy/meshwright-control-plane"),
    ),
  ]);
  return sections.join("\n");
}

const warnings = (namespace: string): string[] => [
  "get",
  "events",
  "-n",
  namespace,
  "--field-selector=type=Warning",
  "--sort-by=.lastTimestamp",
  "-o=custom-columns=OBJECT:.involvedObject.name,REASON:.reason,MESSAGE:.message",
];

const logs = (namespace: string, workload: string): string[] => [
  "logs",
  "-n",
  namespace,
  workload,
  `--tail=${LOG_LINES}`,
];

async function section(
  { kubectl }: Cluster,
  title: string,
  args: readonly string[],
  lastLines = Number.POSITIVE_INFINITY,
): Promise<string> {
  const { stdout, stderr } = await kubectl.attempt(["--request-timeout=5s", ...args]);
  const lines = `${stdout}${stderr}`.trimEnd().split("\n");
  const shown = lines.slice(-Math.min(lines.length, lastLines));
  return [`--- ${title}`, ...shown.map((line) => `    ${line.slice(0, 400)}`)].join("\n");
}
