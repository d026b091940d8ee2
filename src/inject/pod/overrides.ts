import type { Container, PodSpec } from "../../api/gen/kubernetes.ts";
import { PROXY_CONTAINER } from "../../api/names.ts";
import { MeshError } from "../../util/errors.ts";
import { GATEWAY_HINT } from "./templates.ts";

/** What the user wrote for the proxy's container, and where. */
export interface Overrides {
  readonly list: "containers" | "initContainers";
  readonly container: Container;
}

/**
 * Users may write a container `istio-proxy` of their own, whose fields then go over ours.
 *
 * @param object names the pod in messages
 * @throws MeshError `MESH0601` if it is the pod's only one: Istio's gateways are written so
 */
export function takeOverrides(
  spec: PodSpec,
  object: string,
): { readonly spec: PodSpec; readonly overrides: Overrides | undefined } {
  for (const list of ["containers", "initContainers"] as const) {
    const container = spec[list]?.find(({ name }) => name === PROXY_CONTAINER);
    if (container === undefined) continue;
    const others = spec[list]?.filter((one) => one !== container) ?? [];
    if (list === "containers" && others.length === 0)
      throw new MeshError("MESH0601", `${object}: ${PROXY_CONTAINER} is its only container`, {
        hint: `a sidecar stands beside an application, which needs a container of its own; ${GATEWAY_HINT}`,
      });
    return { spec: { ...spec, [list]: others }, overrides: { list, container } };
  }
  return { spec, overrides: undefined };
}

/** Undoes `takeOverrides`. */
export function giveBack(spec: PodSpec, overrides: Overrides | undefined): PodSpec {
  if (overrides === undefined) return spec;
  const { list, container } = overrides;
  return { ...spec, [list]: [...(spec[list] ?? []), container] };
}

/** What the user has set; it replaces ours before the bootstrap is made, which holds the memory limit. */
export function ownResources(overrides: Overrides | undefined): Pick<Container, "resources"> {
  const { resources = {} } = overrides?.container ?? {};
  return Object.keys(resources).length > 0 ? { resources } : {};
}

const LISTS = ["args", "env", "envFrom", "ports", "volumeMounts"] as const;
const SETTINGS = ["lifecycle", "securityContext"] as const;

/** Lists are joined, settings go over ours; the image `auto` stands for ours. */
export function mergeProxy(proxy: Container, overrides: Overrides | undefined): Container {
  if (overrides === undefined) return proxy;
  const wanted = overrides.container;
  const image = wanted.image === "auto" ? undefined : wanted.image;
  return {
    ...proxy,
    ...(image && { image }),
    ...each(SETTINGS, (key) => wanted[key] && { ...proxy[key], ...wanted[key] }),
    ...each(LISTS, (key) => wanted[key] && [...(proxy[key] ?? []), ...wanted[key]]),
  };
}

/** The fields that the user has set. */
const each = <Key extends keyof Container>(
  keys: readonly Key[],
  merged: (key: Key) => unknown,
): Partial<Container> =>
  Object.fromEntries(
    keys.map((key) => [key, merged(key)] as const).filter(([, value]) => value !== undefined),
  );
