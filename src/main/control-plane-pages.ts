import { countStates, proxyConfig, proxySyncs } from "../ads/debug.ts";
import type { AdsServer } from "../ads/server.ts";
import { gauge, registry } from "../util/metrics.ts";
import { type Feedback, FINDINGS_PAGE, GENERATION_PAGE, REFUSALS_PAGE } from "./feedback.ts";
import type { Answer, Page } from "./monitoring.ts";
import type { Reflectors } from "./reflectors.ts";

const proxies = gauge(
  "meshwright_ads_proxies",
  "Connected proxies, by whether they run all that they should, lack some of it, or reject some of it",
  ["state"],
);

export interface ControlPlaneState {
  /** All caches have caught up and all ports listen. */
  isReady: boolean;
  ads?: AdsServer;
  feedback?: Feedback;
}

/** What the control plane's monitoring port answers. */
export function controlPlanePages(
  state: ControlPlaneState,
  reflectors: Reflectors,
): Readonly<Record<string, Page>> {
  const connections = () => state.ads?.connections ?? new Set();
  return {
    "/healthz": () => ({ body: "ok\n" }),
    "/readyz": () => (state.isReady ? { body: "ok\n" } : { status: 503, body: "not yet\n" }),
    "/metrics": async () => {
      for (const [name, count] of Object.entries(countStates(connections())))
        proxies.set({ state: name }, count);
      return { body: await registry.metrics(), type: registry.contentType };
    },
    "/debug/syncz": () => ({ body: proxySyncs(connections()) }),
    "/debug/config": (query) => configPage(state, query.get("proxy") ?? ""),
    [REFUSALS_PAGE]: () => ({ body: state.feedback?.refusals() ?? [] }),
    [GENERATION_PAGE]: (query) => ({
      body: { generation: state.feedback?.generationOf(query.get("object") ?? "") ?? null },
    }),
    [FINDINGS_PAGE]: (query) => ({
      body: state.feedback?.findingsOf(query.get("object") ?? "") ?? [],
    }),
    "/debug/watches": () => ({ body: { failing: reflectors.unhealthy() } }),
  };
}

function configPage({ ads }: ControlPlaneState, proxy: string): Answer {
  for (const connection of ads?.connections ?? [])
    if (connection.caller.key === proxy) return { body: proxyConfig(connection) };
  const body = `no proxy "${proxy}" is connected here: ask for ?proxy=NAMESPACE/POD, as /debug/syncz lists them\n`;
  return { status: 404, body };
}
