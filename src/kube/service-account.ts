/**
 * The credentials of a pod. `KubeConfig` has these too, but brings the generated API of its client
 * along: 800 modules, half the CPU of loading ours, and 40 MB.
 */
import { existsSync, readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { isIPv6 } from "node:net";
import { join } from "node:path";

/** What the transport asks of credentials; a `KubeConfig` has it as well. */
export interface Credentials {
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string } | null;
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
}

/** @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The kubelet renews a token long before it ends: client-go, too, looks once a minute. */
const REREAD_MS = 60_000;

interface Mounted {
  readonly token: string;
  readonly ca: string;
  readonly readAt: number;
}

export class ServiceAccount implements Credentials {
  readonly #server: string;
  readonly #directory: string;
  #mounted: Mounted;

  /** @throws if the files cannot be read */
  constructor(server: string, directory: string) {
    this.#server = server;
    this.#directory = directory;
    this.#mounted = this.#read();
  }

  getCurrentCluster(): { readonly server: string } {
    return { server: this.#server };
  }

  async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    const { token, ca } = this.#current();
    Object.assign(options, { ca, headers: { authorization: `Bearer ${token}` } });
  }

  /** What was read last serves on if a look fails: if it is no longer good, the API server says so. */
  #current(): Mounted {
    if (Date.now() - this.#mounted.readAt < REREAD_MS) return this.#mounted;
    try {
      this.#mounted = this.#read();
    } catch {
      // The kubelet swaps the files; the next request looks again.
    }
    return this.#mounted;
  }

  #read(): Mounted {
    const text = (name: string) => readFileSync(join(this.#directory, name), "utf8");
    return { token: text("token").trim(), ca: text("ca.crt"), readAt: Date.now() };
  }
}

/** Those of the pod that this process runs in, if it runs in one. */
export function podCredentials(
  env: Readonly<Record<string, string | undefined>>,
  directory = DIRECTORY,
): ServiceAccount | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port || !existsSync(join(directory, "token"))) return undefined;
  return new ServiceAccount(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, directory);
}
