/**
 * The control plane: watch → store → model → xds → ads, with the certificate authority and the
 * injection webhook beside it. Everything is wired here, and nothing else is decided here.
 */
import { once } from "node:events";
import { Authenticator } from "../ads/auth.ts";
import { PodIndex } from "../ads/pods.ts";
import { AdsServer } from "../ads/server.ts";
import { ServingCertificates } from "../ads/serving.ts";
import type { ControlPlaneConfig } from "../api/control-plane-config.ts";
import type * as kube from "../api/gen/kubernetes.ts";
import { KINDS, type Kind, type Live } from "../api/kinds.ts";
import { CACERTS_SECRET, controlPlaneDnsNames, PORTS } from "../api/names.ts";
import type { KubeObject } from "../api/object.ts";
import type { Authority } from "../ca/authority.ts";
import { Askers } from "../dns/askers.ts";
import { DnsServer } from "../dns/server.ts";
import { Webhook } from "../inject/webhook.ts";
import { Client, loadCredentials } from "../kube/client.ts";
import { createMeshModel, type MeshModel } from "../model/dataflow.ts";
import { lowerMeshSettings } from "../model/istio/mesh-config.ts";
import type { Sink } from "../store/sink.ts";
import { defined } from "../util/defined.ts";
import { errorFields, type Log } from "../util/log.ts";
import { encode } from "../xds/encode.ts";
import { createScopes } from "../xds/scopes.ts";
import { translators } from "../xds/translate.ts";
import { anyAddress } from "./any-address.ts";
import { AuthorityFollower } from "./authority.ts";
import { type ControlPlaneState, controlPlanePages } from "./control-plane-pages.ts";
import { clusterResolver, clusterResolvers, namesOf } from "./dns.ts";
import { ExpiryClock } from "./expiry.ts";
import { Feedback } from "./feedback.ts";
import { Injection } from "./injection.ts";
import { Monitoring } from "./monitoring.ts";
import { both, partOf, Reflectors } from "./reflectors.ts";
import { keepServing } from "./serving.ts";
import { tokenIssuer } from "./token-issuer.ts";

/** Proxies are sent away over this long when the process ends; Kubernetes grants it 30 s. */
const DRAIN_MS = 10_000;

export interface ControlPlaneOptions {
  readonly config: ControlPlaneConfig;
  readonly log: Log;
  readonly client?: Client;
  /** Ports of the servers, where they are not the usual ones; DNS then takes any, if none is given. */
  readonly ports?: Readonly<Record<"xds" | "webhook" | "monitoring", number>> & {
    readonly dns?: number;
  };
  readonly host?: string;
  readonly drainMs?: number;
}

/** Runs until `signal` aborts, then parts from the proxies and returns. */
export async function runControlPlane(
  options: ControlPlaneOptions,
  signal: AbortSignal,
): Promise<void> {
  const { config, log, ports = PORTS, host = anyAddress() } = options;
  const client = options.client ?? new Client(await loadCredentials());
  const running = new AbortController();
  const reflectors = new Reflectors(client, log, running.signal);
  const state: ControlPlaneState = { isReady: false };
  const monitoring = new Monitoring(controlPlanePages(state, reflectors));
  await monitoring.listen(ports.monitoring, host);
  const serve = async (): Promise<Parts> => {
    const parts = await wire({ config, log, client, reflectors, signal: running.signal });
    await reflectors.synced();
    await Promise.all([
      parts.ads.listen({ host, port: ports.xds, certificates: parts.certificates }),
      parts.webhook.listen(ports.webhook, host),
      parts.dns.listen(ports.dns ?? 0, host),
    ]);
    log.info(`serving mesh ${config.mesh}`, { startMs: Math.round(performance.now()) });
    return Object.assign(state, parts, { isReady: true });
  };

  // Told to stop while it still waits for its root or its first lists, it does not wait for those.
  const stopped = signal.aborted ? Promise.resolve() : once(signal, "abort");
  const parts = await Promise.race([serve(), stopped.then(() => undefined)]);
  // Another replica may write statuses as soon as this one is told to stop.
  const telling = parts?.feedback.run(parts.ads, signal);
  await stopped;
  state.isReady = false;
  parts?.dns.leave();
  if (parts !== undefined) await partFromProxies(parts, options.drainMs ?? DRAIN_MS, log);
  running.abort();
  parts?.dns.close();
  monitoring.close();
  await Promise.all([reflectors.done(), telling]);
  client.close();
}

async function partFromProxies({ ads, webhook }: Parts, drainMs: number, log: Log): Promise<void> {
  log.info(`stopping: sending ${ads.connections.size} proxies away`);
  await ads.drain(drainMs);
  await webhook.close();
}

interface Wiring {
  readonly config: ControlPlaneConfig;
  readonly log: Log;
  readonly client: Client;
  readonly reflectors: Reflectors;
  readonly signal: AbortSignal;
}

interface Parts {
  readonly ads: AdsServer;
  readonly webhook: Webhook;
  readonly dns: DnsServer;
  readonly certificates: ServingCertificates;
  readonly feedback: Feedback;
}

/** Starts every watch, and makes what serves from them as soon as there is a CA to sign with. */
async function wire(wiring: Wiring): Promise<Parts> {
  const { config, log, client, reflectors, signal } = wiring;
  const { trustDomain } = config;
  const { settings, diagnostics } = lowerMeshSettings(config.meshConfig ?? {}, config.mesh);
  for (const { path, message } of diagnostics)
    log.warn(`MeshConfig ${config.mesh}: ${path}: ${message}`);
  const model = createMeshModel({ ...config, ...defined({ traffic: settings.traffic }) });
  const pods = new PodIndex();
  const askers = new Askers();
  const feedback = new Feedback({ config, client, model, log });
  watchModel(reflectors, { model, pods, askers, feedback });
  for (const namespace of config.gatewayNamespaces)
    reflectors.start(KINDS.secret, partOf(model.sinks.secrets), {
      namespace,
      // It may be gone, or not be there yet: what serves the others must not wait for it.
      mayBeRefused: namespace !== config.namespace,
    });
  const clock = new ExpiryClock(model);
  signal.addEventListener("abort", () => clock.stop());
  const resolvers = clusterResolvers();
  const injection = new Injection({ ...wiring, resolvers });
  const authenticator = new Authenticator({ issuer: tokenIssuer(client), pods, trustDomain, log });
  const [authority] = await Promise.all([
    watchAuthority(reflectors, config, log),
    authenticator.warmUp(),
  ]);
  injection.start(authority);
  const dnsNames = controlPlaneDnsNames(config.namespace, config.clusterDomain);
  const certificate = await keepServing({ authority, dnsNames, log, signal }, (next) => {
    certificates.replace(next);
    webhook.renew(next);
  });
  const certificates = new ServingCertificates(certificate);
  const webhook = new Webhook(certificate, injection.options);
  const scopes = scopesOf(model, log);
  const onRejection = feedback.rejectionHeard.bind(feedback);
  const serving = { scopes, secrets: authority, pods, trustDomain, authenticator, log };
  const ads = new AdsServer({ ...serving, onRejection });
  const resolver = clusterResolver(resolvers, config);
  const dns = new DnsServer({ askers, names: namesOf(model), resolver });
  return { ads, webhook, dns, certificates, feedback };
}

interface Readers {
  readonly model: MeshModel;
  readonly pods: PodIndex;
  readonly askers: Askers;
  readonly feedback: Feedback;
}

function watchModel(reflectors: Reflectors, { model, pods, askers, feedback }: Readers): void {
  const { sinks } = model;
  const told = <T extends KubeObject>(kind: Kind<T>, sink: Sink<T>): void =>
    reflectors.start(kind, both<T>(sink, feedback.sink(kind)));
  reflectors.start(KINDS.service, sinks.services);
  reflectors.start(KINDS.endpointSlice, sinks.endpointSlices);
  reflectors.start(KINDS.pod, both<Live<kube.Pod>>(sinks.pods, both<Live<kube.Pod>>(pods, askers)));
  reflectors.start(KINDS.node, both<Live<kube.Node>>(sinks.nodes, pods.nodes));
  told(KINDS.virtualService, sinks.virtualServices);
  told(KINDS.destinationRule, sinks.destinationRules);
  told(KINDS.gateway, sinks.gateways);
  told(KINDS.serviceEntry, sinks.serviceEntries);
  told(KINDS.workloadEntry, sinks.workloadEntries);
  told(KINDS.envoyFilter, sinks.envoyFilters);
  told(KINDS.sidecar, sinks.sidecars);
}

function watchAuthority(
  reflectors: Reflectors,
  { namespace, workloadTtlMs }: ControlPlaneConfig,
  log: Log,
): Promise<Authority> {
  const follower = new AuthorityFollower({ workloadTtlMs, log });
  const fieldSelector = `metadata.name=${CACERTS_SECRET}`;
  reflectors.start(KINDS.secret, follower, { namespace, fieldSelector });
  return follower.ready;
}

const scopesOf = ({ engine, mesh }: MeshModel, log: Log) =>
  createScopes({
    engine,
    mesh,
    translators,
    encode,
    onFault: ({ type, key, error }) =>
      log.error(`translation of ${type} ${key} failed: ${String(error)}`, errorFields(error)),
  });
