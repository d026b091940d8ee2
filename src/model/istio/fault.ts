import type { VirtualServiceSpecHttpFault } from "../../api/gen/virtual-service.ts";
import { defined } from "../../util/defined.ts";
import type { Fault } from "../ir/route.ts";
import { lowerDuration, lowerPercent, type Site } from "./site.ts";

/** `undefined`: none that would ever strike. */
export function lowerFault(
  spec: VirtualServiceSpecHttpFault | undefined,
  path: string,
  site: Site,
): Fault | undefined {
  const fault = defined({
    delay: delay(spec?.delay, `${path}.delay`, site),
    abort: abort(spec?.abort, `${path}.abort`, site),
  });
  return Object.keys(fault).length === 0 ? undefined : fault;
}

function delay(
  spec: VirtualServiceSpecHttpFault["delay"],
  path: string,
  site: Site,
): Fault["delay"] {
  const { percentage, percent = 0, fixedDelay, exponentialDelay } = spec ?? {};
  if (exponentialDelay !== undefined)
    site.report.add(
      "MESH0110",
      `${path}.exponentialDelay`,
      "proxies delay requests by a fixed time only: use fixedDelay",
    );
  const share = lowerPercent(percentage?.value ?? percent, `${path}.percentage`, site);
  const ms = lowerDuration(fixedDelay, `${path}.fixedDelay`, site);
  return ms === undefined || !share ? undefined : { percent: share, ms };
}

function abort(
  spec: VirtualServiceSpecHttpFault["abort"],
  path: string,
  site: Site,
): Fault["abort"] {
  const percent = lowerPercent(spec?.percentage?.value, `${path}.percentage`, site);
  if (spec === undefined || percent === undefined || percent === 0) return undefined;
  const status = abortStatus(spec, path, site);
  return status && { percent, status };
}

type AbortStatus = NonNullable<Fault["abort"]>["status"];

function abortStatus(
  { httpStatus, grpcStatus, http2Error }: NonNullable<VirtualServiceSpecHttpFault["abort"]>,
  path: string,
  { report }: Site,
): AbortStatus | undefined {
  if (http2Error !== undefined)
    report.add(
      "MESH0110",
      `${path}.http2Error`,
      "proxies abort requests with a status only: use httpStatus or grpcStatus",
    );
  if (grpcStatus !== undefined) {
    const code = GRPC_CODES.indexOf(grpcStatus.toUpperCase());
    if (code >= 0) return { kind: "grpc", code };
    const known = GRPC_CODES.join(", ");
    report.add("MESH0109", `${path}.grpcStatus`, `"${grpcStatus}" is not one of ${known}`);
    return undefined;
  }
  if (httpStatus === undefined) return undefined;
  if (Number.isInteger(httpStatus) && httpStatus >= 200 && httpStatus <= 599)
    return { kind: "http", code: httpStatus };
  report.add("MESH0109", `${path}.httpStatus`, `${httpStatus} is not a status from 200 to 599`);
  return undefined;
}

/** By number: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
const GRPC_CODES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];
