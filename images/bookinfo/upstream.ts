/** Calls from one service of bookinfo to the next. */
import type { IncomingHttpHeaders } from "node:http";

/**
 * Headers that a service passes on so that one request can be followed, and routed, through all
 * of them: the proxies see each hop alone.
 */
const PROPAGATED = [
  "end-user",
  "user-agent",
  "x-request-id",
  "traceparent",
  "tracestate",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
];

export type Answer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: unknown;
      readonly headers: Headers;
    }
  | { readonly ok: false; readonly status: number; readonly error: string };

export function propagated(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    PROPAGATED.flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}

/** GETs JSON. A refusal or a broken connection is an answer too: the page shows it. */
export async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs = 10_000,
): Promise<Answer> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
    const body = await response.text();
    if (!response.ok) return { ok: false, status: response.status, error: body.slice(0, 200) };
    return { ok: true, status: response.status, body: JSON.parse(body), headers: response.headers };
  } catch (error) {
    // Whatever fetch or JSON refuses is the callee's fault as far as the caller is concerned.
    return { ok: false, status: 503, error: String(error) };
  }
}
