import type { VirtualServiceSpecHttp } from "../../api/gen/virtual-service.ts";
import type { Mirror } from "../ir/route.ts";
import { lowerTarget } from "./destination.ts";
import { lowerPercent, type Site } from "./site.ts";

/** `undefined`: none, or none that would ever get a copy. */
export function lowerMirrors(
  { mirror, mirrors = [], ...rule }: VirtualServiceSpecHttp,
  path: string,
  site: Site,
): readonly Mirror[] | undefined {
  const percentage =
    rule.mirrorPercentage?.value ?? rule.mirrorPercent ?? rule.mirror_percent ?? 100;
  const all = [
    ...(mirror ? [{ at: `${path}.mirror`, destination: mirror, percentage }] : []),
    ...mirrors.map(({ destination, percentage: share }, i) => ({
      at: `${path}.mirrors[${i}]`,
      destination,
      percentage: share?.value ?? 100,
    })),
  ];
  const lowered = all.flatMap(({ at, destination, percentage: share }): readonly Mirror[] => {
    const target = lowerTarget(destination, at, site);
    const percent = lowerPercent(share, `${at}.percentage`, site);
    if (target === undefined || percent === undefined || percent === 0) return [];
    return [{ ...target, percent }];
  });
  return lowered.length === 0 ? undefined : lowered;
}
