import type { ControlPlaneConfig } from "../api/control-plane-config.ts";
import type * as kube from "../api/gen/kubernetes.ts";
import { KINDS, type Live } from "../api/kinds.ts";
import { CONTROL_PLANE, ROOT_CONFIG_MAP } from "../api/names.ts";
import type { Authority } from "../ca/authority.ts";
import type { InjectorOptions } from "../inject/injector.ts";
import { Trust } from "../inject/trust.ts";
import type { Client } from "../kube/client.ts";
import { errorFields, type Log } from "../util/log.ts";
import { Cache, type Reflectors } from "./reflectors.ts";
import { settler } from "./settle.ts";

const RETRY_MS = 5_000;

export interface InjectionOptions {
  readonly client: Client;
  readonly reflectors: Reflectors;
  readonly config: ControlPlaneConfig;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Addresses of the cluster's resolver, as pods have them. */
  readonly resolvers: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** What injection needs of the cluster: the labels of namespaces, and the roots in each of them. */
export class Injection {
  readonly #options: InjectionOptions;
  readonly #namespaces: Cache<Live<kube.Namespace>, Labels>;
  readonly #roots: Cache<Live<kube.ConfigMap>, Labels>;
  #bundlePem = "";
  readonly #trust: Trust;
  readonly #settle: () => void;

  constructor(options: InjectionOptions) {
    this.#options = options;
    const { client, config, reflectors, log, signal } = options;
    const changed = (): void => this.#settle();
    this.#namespaces = new Cache(labelsOf, changed);
    this.#roots = new Cache(({ data = {} }) => data, changed);
    this.#trust = new Trust({
      mesh: config.mesh,
      gatewayNamespaces: config.gatewayNamespaces,
      bundlePem: () => this.#bundlePem,
      namespaces: () => this.#namespaces.values,
      existing: () => byNamespace(this.#roots.values),
      apply: async (object, applySignal) => {
        await client.apply(object, { manager: CONTROL_PLANE, force: true }, applySignal);
      },
      log: (level, message) => log[level](message),
    });
    this.#settle = settler(() => this.#ensureAll(), {
      retryMs: RETRY_MS,
      signal,
      onError: (error) => log.error(String(error), errorFields(error)),
    });
    reflectors.start(KINDS.namespace, this.#namespaces);
    reflectors.start(KINDS.configMap, this.#roots, {
      fieldSelector: `metadata.name=${ROOT_CONFIG_MAP}`,
    });
  }

  /** From now on every namespace gets the roots that this authority says are to be trusted. */
  start(authority: Authority): void {
    const follow = (): void => {
      this.#bundlePem = authority.trustBundle().pem;
      this.#settle();
    };
    authority.onRootChange(follow);
    this.#options.reflectors.synced().then(follow, () => {});
    this.#bundlePem = authority.trustBundle().pem;
  }

  get options(): InjectorOptions {
    const { config, log } = this.#options;
    return {
      sidecar: {
        image: config.proxyImage,
        imagePullPolicy: "IfNotPresent",
        controlPlaneNamespace: config.namespace,
        clusterDomain: config.clusterDomain,
        revision: config.mesh,
        dns: { captured: config.dnsCapture === true, resolvers: this.#options.resolvers },
      },
      policy: {
        revision: config.mesh,
        // Of the operator's own namespace the webhook selects only the pod that it probes with.
        excludedNamespaces: [config.namespace],
      },
      namespaceLabels: (name) => this.#namespaces.values.get(name),
      ensureTrust: (namespace, signal) => this.#trust.ensure(namespace, signal),
      log: (level, message) => log[level](message),
    };
  }

  /** Nothing is written before the root is known. */
  async #ensureAll(): Promise<boolean> {
    return this.#bundlePem === "" || this.#trust.ensureAll(this.#options.signal);
  }
}

function labelsOf({ metadata }: Live<kube.Namespace>): Labels | undefined {
  return metadata.deletionTimestamp === undefined ? (metadata.labels ?? {}) : undefined;
}

function byNamespace(values: ReadonlyMap<string, Labels>): ReadonlyMap<string, Labels> {
  return new Map([...values].map(([key, data]) => [key.split("/")[0] ?? "", data]));
}
