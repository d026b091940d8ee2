import type { DestinationRuleSpecTrafficPolicyLoadBalancer } from "../../api/gen/destination-rule.ts";
import { defined } from "../../util/defined.ts";
import { ownValue } from "../../util/own-value.ts";
import type { Balancing, LoadBalancer } from "../ir/traffic.ts";
import { isHeaderName } from "./headers.ts";
import { lowerLocality } from "./locality.ts";
import { lowerDuration, lowerLine, lowerNumber, lowerPercent, type Site } from "./site.ts";

type Spec = DestinationRuleSpecTrafficPolicyLoadBalancer;
type HashSpec = NonNullable<Spec["consistentHash"]>;
type HashKey = Extract<LoadBalancer, { kind: "consistent-hash" }>["key"];
type HashAttributes = NonNullable<Extract<HashKey, { kind: "cookie" }>["attributes"]>;

const SIMPLE: Readonly<Record<NonNullable<Spec["simple"]>, LoadBalancer>> = {
  UNSPECIFIED: { kind: "least-request" },
  LEAST_CONN: { kind: "least-request" },
  LEAST_REQUEST: { kind: "least-request" },
  ROUND_ROBIN: { kind: "round-robin" },
  RANDOM: { kind: "random" },
  PASSTHROUGH: { kind: "passthrough" },
};

export function lowerBalancing(spec: Spec, path: string, site: Site): Balancing {
  return defined({
    balancer: lowerLoadBalancer(spec, path, site),
    warmup: lowerWarmup(spec, path, site),
    locality: lowerLocality(spec, path, site),
  });
}

/** `undefined`: the default holds. */
function lowerLoadBalancer(spec: Spec, path: string, site: Site): LoadBalancer | undefined {
  if (spec.consistentHash !== undefined)
    return consistentHash(spec.consistentHash, `${path}.consistentHash`, site);
  if (spec.simple === undefined) return undefined;
  const known: LoadBalancer | undefined = ownValue(SIMPLE, spec.simple);
  if (known === undefined)
    site.report.add(
      "MESH0117",
      `${path}.simple`,
      `"${spec.simple}" is not one of ${Object.keys(SIMPLE).join(", ")}: the default is used`,
    );
  return known;
}

/** Below this new endpoints would get more than their share. */
const AGGRESSION = 1;

function lowerWarmup(
  { warmup, warmupDurationSecs }: Spec,
  path: string,
  site: Site,
): Balancing["warmup"] {
  const ms = lowerDuration(warmup?.duration ?? warmupDurationSecs, `${path}.warmup.duration`, site);
  if (ms === undefined) return undefined;
  const { minimumPercent, aggression } = warmup ?? {};
  if (aggression !== undefined && aggression < AGGRESSION)
    site.report.add(
      "MESH0109",
      `${path}.warmup.aggression`,
      `${aggression} is less than ${AGGRESSION}: ${AGGRESSION} is used`,
    );
  return {
    ms,
    ...defined({
      minimumPercent: lowerPercent(minimumPercent, `${path}.warmup.minimumPercent`, site),
      aggression: aggression && Math.max(AGGRESSION, aggression),
    }),
  };
}

/** Envoy builds the ring or table in memory, and refuses a ring above the first bound. */
const RING_SIZE = [1, 8_388_608] as const;
/** A maglev table must be a prime below this. */
const TABLE_SIZE = [2, 5_000_011] as const;

function consistentHash(spec: HashSpec, path: string, site: Site): LoadBalancer | undefined {
  const key = hashKey(spec, path, site);
  if (key === undefined) {
    site.report.add(
      "MESH0117",
      path,
      "consistentHash needs a valid one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName: the default is used",
    );
    return undefined;
  }
  const algorithm = spec.maglev === undefined ? "ring-hash" : "maglev";
  return {
    kind: "consistent-hash",
    key,
    algorithm,
    ...defined({
      minimumRingSize: lowerNumber(
        spec.ringHash?.minimumRingSize ?? spec.minimumRingSize,
        RING_SIZE,
        `${path}.ringHash.minimumRingSize`,
        site,
      ),
      tableSize: tableSize(spec.maglev?.tableSize, `${path}.maglev.tableSize`, site),
    }),
  };
}

function tableSize(size: number | undefined, path: string, site: Site): number | undefined {
  const inRange = lowerNumber(size, TABLE_SIZE, path, site);
  if (inRange === undefined || isPrime(inRange)) return inRange;
  site.report.add("MESH0109", path, `${inRange} is not a prime number: the default 65537 is used`);
  return undefined;
}

function isPrime(n: number): boolean {
  if (n < 2) return false;
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return true;
}

function hashKey(spec: HashSpec, path: string, site: Site): HashKey | undefined {
  const { httpHeaderName: header, httpCookie: cookie, httpQueryParameterName: query } = spec;
  if (header !== undefined)
    return isHeaderName(header) ? { kind: "header", name: header } : undefined;
  if (cookie !== undefined) return cookieKey(cookie, `${path}.httpCookie`, site);
  if (query !== undefined) return query === "" ? undefined : { kind: "query", name: query };
  return spec.useSourceIp === true ? { kind: "source-ip" } : undefined;
}

type CookieSpec = NonNullable<HashSpec["httpCookie"]>;

function cookieKey(
  { name, path: cookiePath, ttl, attributes }: CookieSpec,
  path: string,
  site: Site,
): HashKey | undefined {
  if (!isHeaderName(name)) return undefined;
  return {
    kind: "cookie",
    name,
    ...defined({
      path: lowerLine(cookiePath, `${path}.path`, site),
      attributes: attributes && cookieAttributes(attributes, `${path}.attributes`, site),
      ttlMs: lowerDuration(ttl, `${path}.ttl`, site),
    }),
  };
}

/** Those that can stand in a header; the others are told. */
const cookieAttributes = (
  attributes: NonNullable<CookieSpec["attributes"]>,
  path: string,
  site: Site,
): HashAttributes =>
  attributes.flatMap(({ name, value }, i) => {
    const named = lowerLine(name, `${path}[${i}].name`, site);
    const valued = lowerLine(value, `${path}[${i}].value`, site);
    return named === undefined || (valued === undefined && value !== undefined)
      ? []
      : [{ name: named, ...defined({ value: valued }) }];
  });
