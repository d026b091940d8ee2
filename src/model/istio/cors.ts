import type { VirtualServiceSpecHttpCorsPolicy } from "../../api/gen/virtual-service.ts";
import { defined } from "../../util/defined.ts";
import type { Cors } from "../ir/route.ts";
import { lowerDuration, type Site, stringMatch } from "./site.ts";

export function lowerCors(
  spec: VirtualServiceSpecHttpCorsPolicy | undefined,
  path: string,
  site: Site,
): Cors | undefined {
  if (spec === undefined) return undefined;
  const matched = (spec.allowOrigins ?? []).flatMap(
    (origin, i) => stringMatch(origin, `${path}.allowOrigins[${i}]`, site) ?? [],
  );
  const listed = (spec.allowOrigin ?? []).map((origin) =>
    origin === "*" ? { kind: "present" as const } : { kind: "exact" as const, value: origin },
  );
  return {
    origins: [...matched, ...listed],
    methods: spec.allowMethods ?? [],
    headers: spec.allowHeaders ?? [],
    exposeHeaders: spec.exposeHeaders ?? [],
    forwardUnmatched: spec.unmatchedPreflights !== "IGNORE",
    ...defined({
      maxAgeMs: lowerDuration(spec.maxAge, `${path}.maxAge`, site),
      credentials: spec.allowCredentials,
    }),
  };
}
