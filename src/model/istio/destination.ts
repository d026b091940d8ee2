import type { VirtualServiceSpecHttpRoute } from "../../api/gen/virtual-service.ts";
import { defined, filled } from "../../util/defined.ts";
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
  const target = lowerTarget(destination, `${path}.destination`, site);
  if (target === undefined) return undefined;
  const request = requestHeaders(operations?.request, `${path}.headers.request`, site);
  return {
    ...target,
    weight: lowerNumber(weight, WEIGHT_RANGE, `${path}.weight`, site) ?? 0,
    ...defined({
      authority: request.authority,
      requestHeaders: request.operations,
      responseHeaders: headers(operations?.response, `${path}.headers.response`, site),
    }),
  };
}

/** A host with a port and subset, where they are given; `undefined`: there can be no such thing. */
export function lowerTarget(
  { host: text, port, subset }: WeightedDestination["destination"],
  path: string,
  site: Site,
): Pick<Destination, "host" | "port" | "subset"> | undefined {
  const host = lowerHost(text, `${path}.host`, site);
  const number = lowerPort(port?.number, `${path}.port.number`, site);
  if (host === undefined || number !== port?.number) return undefined;
  return { host, ...defined({ port: number, subset: filled(subset) }) };
}
