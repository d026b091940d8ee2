/** What a pod asks to be made of it, by the annotation that names Istio's templates. */
import { refused } from "./values.ts";
import type { PodDraft } from "./workload.ts";

const TEMPLATES = "inject.istio.io/templates";

export type Template = "sidecar" | "grpc-agent";

/** Where a pod wants to be a gateway: it would have nothing of what the operator gives one. */
export const GATEWAY_HINT =
  "a gateway is made by the operator, from spec.gateways of the MeshConfig";

/**
 * @param object names the pod in messages
 * @throws MeshError `MESH0601` if the pod asks for what cannot be made here
 */
export function templateOf({ metadata }: PodDraft, object: string): Template {
  const names = (metadata.annotations?.[TEMPLATES] ?? "").split(",").map((name) => name.trim());
  const unknown = names.find((name) => !["", "sidecar", "grpc-agent"].includes(name));
  if (unknown !== undefined)
    throw refused(
      { object, annotation: TEMPLATES, value: unknown },
      "sidecar or grpc-agent",
      `name one of the two, or remove the annotation to have a sidecar; ${GATEWAY_HINT}`,
    );
  return names.includes("grpc-agent") ? "grpc-agent" : "sidecar";
}
