/** What a test wants of a callee: to see what arrived, to be slow, and to fail on demand. */
import { setTimeout as delay } from "node:timers/promises";
import { podName, type Request, type Response, type Route } from "./server.ts";

const MAX_BYTES = 10_000_000;

export function httpbin(version: string): readonly Route[] {
  const seen = ({ method, url, headers, body, peer }: Request): Response => ({
    body: {
      method,
      path: `${url.pathname}${url.search}`,
      headers,
      body,
      peer,
      podname: podName,
      version,
    },
  });
  return [
    { method: "*", path: /^\/(?:anything|headers|get|post)(?:\/.*)?$/, handle: seen },
    {
      method: "*",
      path: /^\/status\/(\d{3})$/,
      handle: ({ captured: [code] }) => ({ status: Number(code) }),
    },
    {
      method: "*",
      path: /^\/delay\/(\d+(?:\.\d+)?)$/,
      handle: async (request) => {
        await delay(Math.min(60, Number(request.captured[0])) * 1_000, undefined, {
          signal: request.signal,
        });
        return seen(request);
      },
    },
    {
      method: "GET",
      path: /^\/bytes\/(\d+)$/,
      handle: ({ captured: [size] }) => ({ body: "x".repeat(Math.min(MAX_BYTES, Number(size))) }),
    },
    { method: "GET", path: /^\/$/, handle: seen },
  ];
}
