import type {
  Container,
  PodSpec,
  Quantity,
  ResourceRequirements,
} from "../../api/gen/kubernetes.ts";
import { INIT_CONTAINER, PORTS } from "../../api/names.ts";
import type { AppProbe } from "../../xds/bootstrap-local.ts";
import { type SidecarSettings, sidecarSettings } from "./annotations.ts";
import { dnsCapture, dnsWarnings, type MeshDns } from "./dns.ts";
import { marked } from "./mark.ts";
import { mergeProxy, ownResources, takeOverrides } from "./overrides.ts";
import { type Originals, rewriteProbes } from "./probes.ts";
import { addedVolumes, CONFINED, proxyContainer, readyProbe } from "./proxy.ts";
import { lesserQuantity } from "./quantity.ts";
import { removeSidecar, type Status } from "./status.ts";
import { canonicalName, type PodDraft } from "./workload.ts";

export interface SidecarOptions {
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly controlPlaneNamespace: string;
  readonly clusterDomain: string;
  /** Name of the mesh: `istio.io/rev` of what it injects. */
  readonly revision: string;
  /** Absent: pods cannot have their DNS captured. */
  readonly dns?: MeshDns;
}

export interface Injected {
  readonly pod: PodDraft;
  readonly warnings: readonly string[];
}

/**
 * The pod with a sidecar. Injecting twice is injecting once: what an earlier run did is undone
 * first, so that containers which other webhooks added since are seen.
 *
 * @param name what messages call the pod
 * @throws MeshError `MESH0601` if an annotation cannot be followed, or there is no application
 */
export function injectSidecar(pod: PodDraft, options: SidecarOptions, name: string): Injected {
  const bare = removeSidecar(pod);
  const asked = sidecarSettings(bare.metadata.annotations ?? {}, name);
  const { spec, overrides } = takeOverrides(bare.spec, name);
  const settings = { ...asked, ...ownResources(overrides) };
  // Without capture kubelet reaches the application itself, and the proxy has no ::6 to ask it from.
  const application = rewriteAll(spec, settings.rewriteProbes && settings.capture !== undefined);
  const proxy = mergeProxy(
    sidecarContainer(canonicalName(bare), { options, settings, probes: application.probes }),
    overrides,
  );
  const added = settings.capture
    ? [proxy, captureContainer([...settings.capture, ...dnsArguments(settings, options)], proxy)]
    : [proxy];
  const warnings = [...settings.warnings, ...dnsWarnings(settings.dns, options.dns, spec)];
  const volumes = addedVolumes(settings.volumes, spec);
  const status: Status = {
    initContainers: added.map((container) => container.name),
    volumes: volumes.map((volume) => volume.name),
    revision: options.revision,
    probes: application.originals,
    ...(overrides && { overrides }),
  };
  return {
    pod: {
      ...bare,
      metadata: marked(bare, status, settings.capture ? "istio" : "disabled"),
      spec: {
        ...application.spec,
        initContainers: [...added, ...(application.spec.initContainers ?? [])],
        volumes: [...(spec.volumes ?? []), ...volumes],
      },
    },
    warnings: warnings.map((warning) => `${name}: ${warning}`),
  };
}

const dnsOf = (settings: SidecarSettings, { dns }: SidecarOptions) =>
  settings.capture && dnsCapture(settings.dns, dns);

function dnsArguments(settings: SidecarSettings, options: SidecarOptions): readonly string[] {
  const dns = dnsOf(settings, options);
  return dns === undefined ? [] : ["--dns-resolvers", dns.resolvers.join(",")];
}

interface Application {
  readonly spec: PodSpec;
  readonly probes: readonly AppProbe[];
  readonly originals: Readonly<Record<string, Originals>>;
}

/** Probes of all containers that may have some: the application's and the user's own sidecars. */
function rewriteAll(spec: PodSpec, isWanted: boolean): Application {
  if (!isWanted) return { spec, probes: [], originals: {} };
  const probes: AppProbe[] = [];
  const originals: Record<string, Originals> = {};
  const rewrite = (container: Container): Container => {
    const result = rewriteProbes(container);
    if (result.probes.length > 0) originals[container.name] = result.originals;
    probes.push(...result.probes);
    return result.container;
  };
  return {
    spec: {
      ...spec,
      containers: spec.containers.map(rewrite),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(rewrite) }),
    },
    probes,
    originals,
  };
}

/**
 * A native sidecar: it is ready before the application's first container starts, and ends after
 * the last one has ended, so Jobs finish and init containers have a network.
 *
 * Where there is a capture container, that waits for it. A startup probe would do, but kubelet
 * needs a second more to see what it says.
 */
function sidecarContainer(
  application: string,
  {
    options,
    settings,
    probes,
  }: {
    readonly options: SidecarOptions;
    readonly settings: SidecarSettings;
    readonly probes: readonly AppProbe[];
  },
): Container {
  const { componentLogLevel, image, logLevel, mounts, resources, stats } = settings;
  const dns = dnsOf(settings, options);
  return {
    ...proxyContainer({
      image: image ?? options.image,
      imagePullPolicy: options.imagePullPolicy,
      application,
      resources,
      concurrency: settings.concurrency,
      logLevel,
      componentLogLevel,
      mounts,
      bootstrap: {
        namespace: options.controlPlaneNamespace,
        clusterDomain: options.clusterDomain,
        probes,
        stats,
        ...(dns && { dns }),
      },
    }),
    restartPolicy: "Always",
    ...(settings.capture === undefined && {
      startupProbe: readyProbe({ periodSeconds: 1, failureThreshold: 600 }),
    }),
    readinessProbe: readyProbe({ periodSeconds: 10, failureThreshold: 3 }),
    // Inbound only: the application may still have requests of its own to finish.
    lifecycle: { preStop: { exec: { command: ["/usr/local/bin/drain", "inbound"] } } },
  };
}

const ENOUGH = { cpu: "10m", memory: "32Mi", "ephemeral-storage": "16Mi" } as const;
/** Where the CPU is limited: with less it would take seconds. */
const ENOUGH_CPU_LIMIT = "100m";

/**
 * While it runs, scheduler and quotas count it on top of the sidecar before it: as little as will do.
 * The names are those that the proxy has, as a quota may demand them, and so is the pod's class.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
function captureResources({ requests, limits }: ResourceRequirements): ResourceRequirements {
  const cpu = limits?.["cpu"] === undefined ? ENOUGH.cpu : ENOUGH_CPU_LIMIT;
  const enough = new Map(Object.entries({ ...ENOUGH, cpu }));
  const least = (all: Readonly<Record<string, Quantity>>) =>
    Object.fromEntries(
      Object.entries(all).flatMap(([name, quantity]) => {
        const most = enough.get(name);
        return most === undefined ? [] : [[name, lesserQuantity(quantity, most)] as const];
      }),
    );
  return {
    ...(requests && { requests: least(requests) }),
    ...(limits && { limits: least(limits) }),
  };
}

/**
 * Installs the capture rules while the proxy starts, and ends when that is ready: the only
 * container with capabilities.
 */
const captureContainer = (args: readonly string[], proxy: Container): Container => ({
  name: INIT_CONTAINER,
  ...(proxy.image && { image: proxy.image }),
  ...(proxy.imagePullPolicy && { imagePullPolicy: proxy.imagePullPolicy }),
  command: ["/usr/local/bin/capture"],
  args: [...args, "--await", String(PORTS.readiness)],
  resources: captureResources(proxy.resources ?? {}),
  securityContext: {
    runAsUser: 0,
    runAsGroup: 0,
    runAsNonRoot: false,
    ...CONFINED,
    capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
  },
});
