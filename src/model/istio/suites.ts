import type { Report } from "../../api/codes.ts";
import { isSuite } from "../ir/handshake.ts";

/** Tells of those that proxies do not have; they are left out when the rest is sent. */
export function lowerSuites(
  names: readonly string[] = [],
  path: string,
  report: Report,
): readonly string[] {
  for (const [i, name] of names.entries())
    if (!isSuite(name))
      report.add(
        "MESH0117",
        `${path}[${i}]`,
        `"${name}" is no cipher suite that can be chosen: name one of TLS 1.2, like ECDHE-RSA-AES128-GCM-SHA256`,
      );
  return names;
}
