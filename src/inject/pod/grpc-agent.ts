import type { Container } from "../../api/gen/kubernetes.ts";
import { grpcAgentBootstrap, grpcBootstrap } from "../../xds/bootstrap-grpc.ts";
import { type SidecarSettings, sidecarSettings } from "./annotations.ts";
import { marked } from "./mark.ts";
import { mergeProxy, ownResources, takeOverrides } from "./overrides.ts";
import { addedVolumes, proxyContainer, readyProbe } from "./proxy.ts";
import type { Injected, SidecarOptions } from "./sidecar.ts";
import { removeSidecar, type Status } from "./status.ts";
import { canonicalName, type PodDraft } from "./workload.ts";

/** gRPC libraries read the first of these that is set. */
const BOOTSTRAP_FILE = "GRPC_XDS_BOOTSTRAP";
const BOOTSTRAP = "GRPC_XDS_BOOTSTRAP_CONFIG";

/**
 * The pod with an Envoy that takes its gRPC libraries to the control plane, and containers that know
 * of it. Traffic is left alone, and so are probes. Injecting twice is injecting once.
 *
 * @param name what messages call the pod
 * @throws MeshError `MESH0601` if an annotation cannot be followed, or there is no application
 */
export function injectGrpcAgent(pod: PodDraft, options: SidecarOptions, name: string): Injected {
  const bare = removeSidecar(pod);
  const asked = sidecarSettings(bare.metadata.annotations ?? {}, name);
  const { spec, overrides } = takeOverrides(bare.spec, name);
  const settings = { ...asked, ...ownResources(overrides) };
  const application = canonicalName(bare);
  const agent = mergeProxy(agentContainer(application, options, settings), overrides);
  const volumes = addedVolumes(settings.volumes, spec);
  const status: Status = {
    initContainers: [agent.name],
    volumes: volumes.map((volume) => volume.name),
    revision: options.revision,
    probes: {},
    ...(overrides && { overrides }),
  };
  const told = telling(grpcBootstrap(application));
  return {
    pod: {
      ...bare,
      metadata: marked(bare, status),
      spec: {
        ...spec,
        containers: spec.containers.map(told),
        initContainers: [agent, ...(spec.initContainers ?? []).map(told)],
        volumes: [...(spec.volumes ?? []), ...volumes],
      },
    },
    warnings: settings.warnings.map((warning) => `${name}: ${warning}`),
  };
}

const agentContainer = (
  application: string,
  options: SidecarOptions,
  { image, resources, logLevel, componentLogLevel, mounts, stats }: SidecarSettings,
): Container => ({
  ...proxyContainer({
    image: image ?? options.image,
    imagePullPolicy: options.imagePullPolicy,
    application,
    resources,
    concurrency: 1,
    logLevel,
    componentLogLevel,
    mounts,
    bootstrap: {
      namespace: options.controlPlaneNamespace,
      clusterDomain: options.clusterDomain,
      probes: [],
      stats,
    },
    configuration: grpcAgentBootstrap,
  }),
  restartPolicy: "Always",
  startupProbe: readyProbe({ periodSeconds: 1, failureThreshold: 600 }),
  readinessProbe: readyProbe({ periodSeconds: 10, failureThreshold: 3 }),
});

/** A container that says itself where its libraries find the control plane is believed. */
const telling =
  (value: string) =>
  (container: Container): Container => {
    const { env = [] } = container;
    if (env.some((one) => one.name === BOOTSTRAP || one.name === BOOTSTRAP_FILE)) return container;
    return { ...container, env: [...env, { name: BOOTSTRAP, value }] };
  };
