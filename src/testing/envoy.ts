/**
 * A proxy without a network, that follows the protocol as stock Envoy does: it asks for listeners
 * when its clusters are warm, accepts clusters when they are warm, asks for virtual hosts once per
 * stream, and drops those that come before their route.
 */
import type { EncodedResource, ResourceType } from "../xds/resource.ts";

export interface Request {
  readonly type: ResourceType;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
}

interface Said extends Partial<Pick<Request, "subscribe" | "unsubscribe">> {
  /** The first request of its type on a stream: it tells what the proxy has. */
  readonly initial?: boolean;
}

export interface Response {
  readonly type: ResourceType;
  readonly nonce: string;
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** Has a listener of every name take a route of that name. */
const routeOfListener = (listener: string): string => listener;
const routeOfHost = (host: string): string => host.slice(0, host.lastIndexOf("/"));

export class SimulatedEnvoy {
  /** Clusters that take traffic, old versions of changing ones included. */
  readonly usable = new Set<string>();
  /** Clusters, or new versions of them, whose endpoints have not come. */
  readonly warming = new Set<string>();
  readonly listeners = new Map<string, EncodedResource>();
  readonly routes = new Map<string, EncodedResource>();
  readonly hosts = new Map<string, EncodedResource>();
  /** What it would say, in order, if somebody listened. */
  requests: Request[] = [];
  readonly #isBad: (resource: EncodedResource) => boolean;
  readonly #reported = new Map<ResourceType, Map<string, string>>();
  /** Names of endpoints, by the cluster that takes traffic, and by the one that shall. */
  readonly #active = new Map<string, string>();
  readonly #next = new Map<string, string>();
  #endpointNames: ReadonlySet<string> = new Set();
  #routeNames = new Set<string>();
  /** Answers about clusters that wait until all of them are warm. */
  #heldAnswers: Request[] = [];
  #hasListeners = false;
  #hasHosts = false;

  /** @param isBad what it rejects, with all that comes in the same response */
  constructor(isBad: (resource: EncodedResource) => boolean = () => false) {
    this.#isBad = isBad;
    this.#say("Cluster");
  }

  /** A new stream: it tells what it has, and nothing that was under way comes any more. */
  reconnect(): void {
    this.requests = [];
    this.#heldAnswers = [];
    const clusters = this.#request("Cluster", { initial: true });
    if (this.warming.size > 0) this.#heldAnswers.push(clusters);
    else this.requests.push(clusters);
    if (this.#endpointNames.size > 0)
      this.#say("ClusterLoadAssignment", { subscribe: [...this.#endpointNames], initial: true });
    if (this.#hasListeners) this.#say("Listener", { initial: true });
    if (this.#routeNames.size > 0)
      this.#say("RouteConfiguration", { subscribe: [...this.#routeNames], initial: true });
    if (this.#hasHosts) this.#say("VirtualHost", { initial: true });
  }

  receive(response: Response): void {
    const bad = response.resources.find((one) => this.#isBad(one));
    if (bad !== undefined) {
      this.#answer(response, `${bad.name} is bad`);
      return;
    }
    const versions = this.#versions(response.type);
    for (const { name, version } of response.resources)
      if (response.type !== "RouteConfiguration" || this.#routeNames.has(name))
        versions.set(name, version);
    for (const name of response.removed) versions.delete(name);
    this.#apply(response);
    this.#answer(response);
    this.#afterWarming();
  }

  #apply({ type, resources, removed }: Response): void {
    switch (type) {
      case "Cluster":
        return this.#clusters(resources, removed);
      case "ClusterLoadAssignment":
        return this.#endpoints(resources.map(({ name }) => name).concat(removed));
      case "Listener":
        return this.#takeListeners(resources, removed);
      case "RouteConfiguration":
        return this.#takeRoutes(resources);
      case "VirtualHost":
        return this.#takeHosts(resources, removed);
      case "Secret":
        return;
    }
  }

  #clusters(resources: readonly EncodedResource[], removed: readonly string[]): void {
    for (const { name, assignment = name } of resources) {
      this.warming.add(name);
      this.#next.set(name, assignment);
    }
    for (const name of removed) {
      this.usable.delete(name);
      this.warming.delete(name);
      this.#active.delete(name);
      this.#next.delete(name);
    }
    this.#followEndpoints();
  }

  /** It wants endpoints for clusters that take traffic and for those that shall. */
  #followEndpoints(): void {
    const before = this.#endpointNames;
    const wanted = new Set([...this.#active.values(), ...this.#next.values()]);
    const subscribe = [...wanted.difference(before)];
    const unsubscribe = [...before.difference(wanted)];
    this.#endpointNames = wanted;
    for (const name of unsubscribe) this.#versions("ClusterLoadAssignment").delete(name);
    if (subscribe.length + unsubscribe.length > 0)
      this.#say("ClusterLoadAssignment", { subscribe, unsubscribe });
  }

  #endpoints(names: readonly string[]): void {
    for (const [cluster, assignment] of this.#next) {
      if (!names.includes(assignment)) continue;
      this.#next.delete(cluster);
      this.#active.set(cluster, assignment);
      this.warming.delete(cluster);
      this.usable.add(cluster);
    }
    this.#followEndpoints();
  }

  #takeListeners(resources: readonly EncodedResource[], removed: readonly string[]): void {
    for (const resource of resources) this.listeners.set(resource.name, resource);
    for (const name of removed) this.listeners.delete(name);
    const wanted = new Set([...this.listeners.keys()].map(routeOfListener));
    const subscribe = [...wanted].filter((route) => !this.#routeNames.has(route));
    const unsubscribe = [...this.#routeNames].filter((route) => !wanted.has(route));
    this.#routeNames = wanted;
    for (const route of unsubscribe) {
      this.routes.delete(route);
      this.#versions("RouteConfiguration").delete(route);
      for (const host of this.hosts.keys())
        if (routeOfHost(host) === route) this.hosts.delete(host);
    }
    if (subscribe.length + unsubscribe.length > 0)
      this.#say("RouteConfiguration", { subscribe, unsubscribe });
  }

  #takeRoutes(resources: readonly EncodedResource[]): void {
    for (const resource of resources)
      if (this.#routeNames.has(resource.name)) this.routes.set(resource.name, resource);
    if (this.routes.size === 0 || this.#hasHosts) return;
    this.#hasHosts = true;
    this.#say("VirtualHost");
  }

  #takeHosts(resources: readonly EncodedResource[], removed: readonly string[]): void {
    for (const resource of resources)
      if (this.routes.has(routeOfHost(resource.name))) this.hosts.set(resource.name, resource);
    for (const name of removed) this.hosts.delete(name);
  }

  #answer({ type, nonce }: Response, error?: string): void {
    const answer = { ...request(type), nonce, ...(error !== undefined && { error }) };
    if (type === "Cluster") this.#heldAnswers.push(answer);
    else this.requests.push(answer);
  }

  #afterWarming(): void {
    if (this.warming.size > 0) return;
    this.requests.push(...this.#heldAnswers);
    this.#heldAnswers = [];
    if (this.#hasListeners) return;
    this.#hasListeners = true;
    this.#say("Listener");
  }

  #versions(type: ResourceType): Map<string, string> {
    const versions = this.#reported.get(type) ?? new Map<string, string>();
    this.#reported.set(type, versions);
    return versions;
  }

  #say(type: ResourceType, what: Said = {}): void {
    this.requests.push(this.#request(type, what));
  }

  #request(type: ResourceType, { initial = false, ...names }: Said): Request {
    const initialVersions = initial ? Object.fromEntries(this.#versions(type)) : {};
    return { ...request(type), ...names, initialVersions };
  }
}

const request = (type: ResourceType): Request => ({
  type,
  subscribe: [],
  unsubscribe: [],
  initialVersions: {},
});
