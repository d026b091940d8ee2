/** Questions whose answers no status tells: does the control plane answer, does injection work? */
import { connect, constants } from "node:http2";
import type { Pod } from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { INJECTION_PROBE, REVISION, SIDECAR_INJECT } from "../api/labels.ts";
import { controlPlaneDnsNames, OPERATOR_NAMESPACE, PORTS, PROXY_CONTAINER } from "../api/names.ts";
import type { Wait } from "../install/readiness.ts";
import type { Settings } from "../install/settings.ts";
import { PROBE_VALUE } from "../install/webhook.ts";
import type { Client } from "../kube/client.ts";
import { ApiError, isTransient } from "../kube/error.ts";

const TIMEOUT_MS = 5_000;
const STREAM = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
/** gRPC's code for a stream without a token that counts. */
const UNAUTHENTICATED = "16";

export interface Probes {
  /** @returns what is wrong with the control plane's xDS port, or `undefined` */
  xds(settings: Settings, rootsPem: string, signal: AbortSignal): Promise<Wait | undefined>;
  /** @returns what is wrong with injection, or `undefined` */
  injection(settings: Settings, signal: AbortSignal): Promise<Wait | undefined>;
}

export const probes = (client: Client): Probes => ({
  async xds({ namespace, clusterDomain }, rootsPem, signal) {
    const [host = ""] = controlPlaneDnsNames(namespace, clusterDomain);
    try {
      const status = await openStream(host, rootsPem, signal);
      return status === UNAUTHENTICATED ? undefined : xdsWait(host, `it answered with ${status}`);
    } catch (error) {
      // Whatever keeps a proxy from connecting is the answer to this question.
      signal.throwIfAborted();
      return xdsWait(host, error instanceof Error ? error.message : String(error));
    }
  },

  async injection(settings, signal) {
    try {
      const pod = await client.create(probePod(settings), { dryRun: true }, signal);
      return hasProxy(pod, settings)
        ? undefined
        : injectionWait("the pod came back without a sidecar");
    } catch (error) {
      // The API server says what the webhook, or the way to it, lacks.
      if (!(error instanceof ApiError) || (isTransient(error) && error.status !== 500)) throw error;
      return injectionWait(error.message);
    }
  },
});

const xdsWait = (host: string, what: string): Wait => ({
  reason: "XdsProbeFailed",
  message: `the control plane at ${host}:${PORTS.xds} does not serve proxies yet: ${what}`,
});

const injectionWait = (what: string): Wait => ({
  reason: "DryRunInjectFailed",
  message: `a trial pod was not injected: ${what}`,
});

/**
 * Opens a configuration stream as a proxy would, with the mesh's roots but without a token. That it
 * is refused by name says that TLS, certificate, HTTP/2 and the gRPC service all work.
 */
function openStream(host: string, ca: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const session = connect(`https://${host}:${PORTS.xds}`, { ca });
  const end = (error: Error): void => reject(error);
  session.on("error", end);
  session.setTimeout(TIMEOUT_MS, () => end(new Error("no answer in time")));
  const stop = (): void => end(new Error("stopped"));
  signal.addEventListener("abort", stop, { once: true });
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: STREAM,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
    [constants.HTTP2_HEADER_TE]: "trailers",
  });
  const answered = (headers: Readonly<Record<string, unknown>>): void => {
    const status = headers["grpc-status"];
    if (typeof status === "string") resolve(status);
  };
  stream.on("response", answered);
  stream.on("trailers", answered);
  stream.on("error", end);
  stream.on("close", () => end(new Error("the stream ended without a gRPC status")));
  stream.end();
  return promise.finally(() => {
    signal.removeEventListener("abort", stop);
    session.destroy();
  });
}

/** Never created: a dry run asks admission what it would become. */
const probePod = ({ mesh, proxyImage }: Settings): Live<Pod> => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: `injection-probe-${mesh}`,
    namespace: OPERATOR_NAMESPACE,
    labels: { [INJECTION_PROBE]: PROBE_VALUE, [SIDECAR_INJECT]: "true", [REVISION]: mesh },
    // Without capture the pod needs no privilege that the namespace might refuse.
    annotations: { "sidecar.istio.io/interceptionMode": "NONE" },
  },
  spec: {
    containers: [
      {
        name: "app",
        image: proxyImage,
        securityContext: {
          allowPrivilegeEscalation: false,
          runAsNonRoot: true,
          capabilities: { drop: ["ALL"] },
          seccompProfile: { type: "RuntimeDefault" },
        },
      },
    ],
  },
});

const hasProxy = ({ spec }: Live<Pod>, { proxyImage }: Settings): boolean =>
  [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some(
    ({ name, image }) => name === PROXY_CONTAINER && image === proxyImage,
  );
