/** What an injected pod says of itself. */
import {
  CANONICAL_NAME,
  CANONICAL_REVISION,
  REVISION,
  SIDECAR_STATUS,
  TLS_MODE,
} from "../../api/labels.ts";
import { PORTS } from "../../api/names.ts";
import type { Status } from "./status.ts";
import { canonicalName, canonicalRevision, type PodDraft } from "./workload.ts";

/**
 * @param tlsMode whether mutual TLS is taken on the application's ports, unless the pod says so
 *   itself; absent: no proxy is made for them
 */
export function marked(
  pod: PodDraft,
  status: Status,
  tlsMode?: "istio" | "disabled",
): PodDraft["metadata"] {
  const { labels = {}, annotations = {} } = pod.metadata;
  const [first] = pod.spec.containers;
  const hasPrometheus = Object.keys(annotations).some((key) => key.startsWith("prometheus.io/"));
  return {
    ...pod.metadata,
    labels: {
      ...labels,
      ...(tlsMode && { [TLS_MODE]: labels[TLS_MODE] ?? tlsMode }),
      [CANONICAL_NAME]: canonicalName(pod),
      [CANONICAL_REVISION]: canonicalRevision(pod),
    },
    annotations: {
      ...(first && {
        "kubectl.kubernetes.io/default-container": first.name,
        "kubectl.kubernetes.io/default-logs-container": first.name,
      }),
      ...(!hasPrometheus && {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": String(PORTS.stats),
        "prometheus.io/path": "/stats/prometheus",
      }),
      ...annotations,
      [REVISION]: status.revision,
      [SIDECAR_STATUS]: JSON.stringify(status),
    },
  };
}
