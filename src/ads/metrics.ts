import { counter, gauge, histogram } from "../util/metrics.ts";

export const connected = gauge("meshwright_ads_connections", "Proxies that are connected now");
export const received = counter(
  "meshwright_ads_requests_total",
  "Requests and acknowledgements of proxies",
  ["type"],
);
export const sentMessages = counter("meshwright_ads_responses_total", "Responses sent to proxies", [
  "type",
]);
export const sentBytes = counter("meshwright_ads_sent_bytes_total", "Bytes of those responses", [
  "type",
]);
export const rejected = counter(
  "meshwright_ads_rejections_total",
  "Responses that a proxy rejected (NACK)",
  ["type"],
);
export const refusedCalls = counter(
  "meshwright_ads_unauthenticated_total",
  "Streams refused for a wrong or missing token",
);
export const rounds = histogram(
  "meshwright_ads_push_seconds",
  "From a change until the last connected proxy was looked at",
  { buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] },
);
