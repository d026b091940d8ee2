/** What a running Envoy says about itself, through its admin port on the pod's loopback. */
import { PORTS } from "../../src/api/names.ts";
import { HttpClient } from "./http.ts";
import type { Kubectl } from "./kubectl.ts";

export interface EnvoyAdmin {
  get(path: string): Promise<string>;
  /** Counters and gauges whose full name the pattern matches somewhere. */
  stats(pattern: string): Promise<ReadonlyMap<string, number>>;
  /** The sum of them. */
  total(pattern: string): Promise<number>;
  close(): void;
}

/** Opens the admin port of a pod's Envoy; whoever asks closes it. */
export async function openAdmin(
  kubectl: Kubectl,
  namespace: string,
  pod: string,
): Promise<EnvoyAdmin> {
  const forward = await kubectl.forward({ namespace, workload: `pod/${pod}` }, PORTS.admin);
  const client = new HttpClient(forward);
  const get = async (path: string): Promise<string> => {
    const { status, body, error } = await client.get(path);
    if (status !== 200)
      throw new Error(`Envoy of ${namespace}/${pod}, ${path}: ${error ?? status}`);
    return body;
  };
  const stats = async (pattern: string): Promise<ReadonlyMap<string, number>> =>
    parseStats(await get(`/stats?filter=${encodeURIComponent(pattern)}`));
  return {
    get,
    stats,
    total: async (pattern) => [...(await stats(pattern)).values()].reduce((a, b) => a + b, 0),
    close() {
      client.close();
      forward.close();
    },
  };
}

/** `name: 12` per line; what is no number (histograms, texts) is left out. */
export function parseStats(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split("\n").flatMap((line): [string, number][] => {
      const [, name, value] = /^(\S+): (\d+)$/.exec(line) ?? [];
      return name && value ? [[name, Number(value)]] : [];
    }),
  );
}
