/** The world of the experiment, and what is derived from it, said without any engine. */

export interface Service {
  readonly host: string;
  readonly ports: readonly number[];
}
export interface Routes {
  readonly name: string;
  readonly host: string;
  readonly rules: readonly { readonly prefix: string; readonly subset: string }[];
}
export interface Endpoints {
  readonly host: string;
  readonly addresses: readonly string[];
}

export const SERVICES = 1000;
export const ROUTES = 250;

export const hostOf = (i: number): string => `service-${i}.ns-${i % 4}.svc.cluster.local`;

export const service = (i: number): Service => ({ host: hostOf(i), ports: [80, 9090] });

export const routes = (i: number, edit = 0): Routes => ({
  name: `routes-${i}`,
  host: hostOf(i),
  rules: [
    { prefix: `/v2/${edit}`, subset: "v2" },
    { prefix: "/", subset: "v1" },
  ],
});

export const endpoints = (i: number, edit = 0): Endpoints => ({
  host: hostOf(i),
  addresses: Array.from({ length: 5 }, (_, n) => `10.${i >> 8}.${i & 255}.${n + edit}`),
});

/** Stands for a translated resource: what a namespace's sidecars are told of a host. */
export const virtualHost = (namespace: string, of: Service, by: Routes | undefined): object => ({
  name: of.host,
  domains: [of.host, `${of.host}.`, of.host.split(".")[0], namespace],
  routes: (by?.rules ?? [{ prefix: "/", subset: "" }]).map(({ prefix, subset }) => ({
    match: { prefix },
    route: { cluster: `outbound|80|${subset}|${of.host}`, timeout: "0s" },
  })),
});

export const assignment = (of: Endpoints): object => ({
  clusterName: `outbound|80||${of.host}`,
  endpoints: of.addresses.map((address) => ({
    address: { socketAddress: { address, port: 8080 } },
  })),
});

export interface World {
  /** Brings in one object, or takes it out, and makes everything current for the proxies. */
  setService(i: number, value: Service | undefined): void;
  setRoutes(i: number, value: Routes): void;
  setEndpoints(i: number, value: Endpoints): void;
  batch(write: () => void): void;
  /** What the proxies would be sent, for a check that both engines agree. */
  dump(): ReadonlyMap<string, unknown>;
}
