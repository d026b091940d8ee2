import type { ConfigSource } from "../proto/gen/envoy/config/core/v3/config_source.ts";

/**
 * The one stream that brings everything. Without a time limit a resource stays warming until it
 * has all it names, so "acknowledged" means ready; with one, Envoy would go on without.
 */
export const ADS: ConfigSource = { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" };
