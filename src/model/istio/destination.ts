import type { VirtualServiceSpecHttpRoute } from "../../api/gen/virtual-service.ts";
import { defined } from "../../util/defined.ts";
import type { Destination } from "../ir/route.ts";
import { headers, requestHeaders } from "./headers.ts";
import { lowerHost, lowerNumber, lowerPort, type Site } from "./site.ts";

interface WeightedDestination {
  readonly destination: VirtualServiceSpecHttpRoute["destination"];
  readonly weight?: number;
  readonly headers?: NonNullable<VirtualServiceSpecHttpRoute["headers"]>;
}

/** Envoy takes the sum of a split's weights as 32 bits. */
const WEIGHT_RANGE = [0, 1_000_000_000] as const;

/** Where a rule's requests go. Of several, one without weight gets none; a single one gets all. */
export function lowerDestinations(
  routes: readonly WeightedDestination[],
  path: string,
  site: Site,
): readonly Destination[] {
  const all = routes.flatMap((route, i) => lowerDestination(route, `${path}[${i}]`, site) ?? []);
  const [only, ...others] = all;
  if (only === undefined) return [];
  if (others.length === 0 && routes.length === 1) return [{ ...only, weight: 1 }];
  const weighted = all.filter(({ weight }) => weight > 0);
  if (weighted.length === 0)
    site.report.add(
      "MESH0107",
      path,
      "none of the destinations has a weight above 0, so requests are answered 503: give weights that add up to 100",
    );
  return weighted;
}

function lowerDestination(
  { destination, weight, headers: operations }: WeightedDestination,
  path: string,
  site: Site,
): Destination | undefined {
  const host = lowerHost(destination.host, `${path}.destination.host`, site);
  const { number } = destination.port ?? {};
  const port = lowerPort(number, `${path}.destination.port.number`, site);
  if (host === undefined || port !== number) return undefined;
  const request = requestHeaders(operations?.request, `${path}.headers.request`, site);
  return {
    host,
    weight: lowerNumber(weight, WEIGHT_RANGE, `${path}.weight`, site) ?? 0,
    ...defined({
      port,
      subset: destination.subset,
      authority: request.authority,
      requestHeaders: request.operations,
      responseHeaders: headers(operations?.response, `${path}.headers.response`, site),
    }),
  };
}
