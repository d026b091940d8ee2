/** Our ADS server on loopback, over hand-made scopes, with real Envoys connected to it. */
import type { TestContext } from "node:test";
import type { Caller } from "../../src/ads/auth.ts";
import type { Rejection } from "../../src/ads/connection.ts";
import { PodIndex } from "../../src/ads/pods.ts";
import type { IssuedSecret, WorkloadSecrets } from "../../src/ads/secrets.ts";
import { AdsServer } from "../../src/ads/server.ts";
import { HandMadeScopes } from "../../src/testing/scopes.ts";
import { silent } from "../../src/util/log.ts";
import { HttpClient } from "../harness/http.ts";
import { type EnvoyOptions, type RealEnvoy, startEnvoy } from "./real-envoy.ts";

export const CALLER: Caller = {
  key: "shop/web-1",
  pod: { namespace: "shop", name: "web-1", uid: "1" },
  identity: "spiffe://cluster.local/ns/shop/sa/web",
  view: {
    kind: "sidecar",
    namespace: "shop",
    workload: "shop/web-1",
    serviceAccount: "web",
    labels: {},
  },
};

/** An authority whose certificates a test makes by hand. */
export class HandMadeSecrets implements WorkloadSecrets {
  issued = 0;
  #listeners = new Set<() => void>();
  #root = { pem: "", version: "root-1" };
  readonly #make: (identity: string) => Promise<IssuedSecret>;

  constructor(make: (identity: string) => Promise<IssuedSecret> = never) {
    this.#make = make;
  }

  issue(identity: string): Promise<IssuedSecret> {
    this.issued += 1;
    return this.#make(identity);
  }

  trustBundle(): { readonly pem: string; readonly version: string } {
    return this.#root;
  }

  onRootChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changeRoot(root: { readonly pem: string; readonly version: string }): void {
    this.#root = root;
    for (const listener of this.#listeners) listener();
  }
}

const never = (): Promise<IssuedSecret> => new Promise(() => {});

export interface Mesh {
  readonly scopes: HandMadeScopes;
  readonly rejections: Rejection[];
  server: AdsServer;
  port: number;
  /** Ends the server, at once unless told otherwise, and starts another on the same port. */
  restart(options?: { readonly drainMs: number }): Promise<void>;
  envoy(options?: Pick<EnvoyOptions, "api">): Promise<RealEnvoy>;
}

export async function startMesh(t: TestContext, secrets = new HandMadeSecrets()): Promise<Mesh> {
  const scopes = new HandMadeScopes();
  const rejections: Rejection[] = [];
  const make = (): AdsServer =>
    new AdsServer({
      scopes,
      secrets,
      pods: new PodIndex(),
      trustDomain: "cluster.local",
      authenticator: { authenticate: () => Promise.resolve(CALLER) },
      log: silent,
      onRejection: (rejection) => void rejections.push(rejection),
    });
  const server = make();
  const mesh: Mesh = {
    scopes,
    rejections,
    server,
    port: await server.listenPlain(0),
    restart: async ({ drainMs } = { drainMs: 0 }) => {
      const draining = mesh.server.drain(drainMs);
      mesh.server = make();
      await mesh.server.listenPlain(mesh.port);
      await draining;
    },
    envoy: async (options = {}) => {
      const envoy = await startEnvoy({ adsPort: mesh.port, ...options });
      t.after(() => envoy.stop());
      return envoy;
    },
  };
  t.after(() => mesh.server.drain(0));
  return mesh;
}

/** The body of one answer, or its status if that is not 200. */
export async function ask(port: number, host: string, path = "/"): Promise<string> {
  const client = new HttpClient({ host: "127.0.0.1", port }, { host });
  const { status, body, error } = await client.get(path);
  client.close();
  return status === 200 ? body : String(error ?? status);
}
