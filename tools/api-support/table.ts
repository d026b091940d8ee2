import { destinationRule } from "./destination-rule.ts";
import { envoyFilter } from "./envoy-filter.ts";
import { gateway } from "./gateway.ts";
import { listener } from "./listener.ts";
import { meshConfig, meshConfigElsewhere } from "./mesh-config.ts";
import { proxyConfig, proxyConfigElsewhere } from "./proxy-config.ts";
import type { Row } from "./row.ts";
import { serviceEntry } from "./service-entry.ts";
import { sidecar } from "./sidecar.ts";
import { virtualService } from "./virtual-service.ts";
import { workload } from "./workload.ts";

/** The families that the page is about, by the prefix of their ids, in the order of the page. */
export const FAMILIES: Readonly<Record<string, readonly Row[]>> = {
  VS: virtualService,
  DR: destinationRule,
  GW: gateway,
  SE: serviceEntry,
  WE: workload,
  SC: sidecar,
  EF: envoyFilter,
  LS: listener,
  MC: meshConfig,
  MP: proxyConfig,
};

/** Rows of those families that are not about traffic. */
export const ELSEWHERE: ReadonlySet<string> = new Set([
  ...meshConfigElsewhere,
  ...proxyConfigElsewhere,
]);
