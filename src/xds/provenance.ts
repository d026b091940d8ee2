/**
 * Which objects a resource is made from. Nothing is kept for it: the resource is made once more, and
 * what its translation reads tells. Only a proxy's refusal asks, so it may cost something.
 */
import type { Mesh } from "../model/ir/mesh.ts";
import { serversByListener } from "./gateway.ts";
import { untagged } from "./patch/select.ts";
import type { ResourceType } from "./resource.ts";
import { translators } from "./translate.ts";
import { allKeys } from "./translator.ts";
import type { ProxyView } from "./view.ts";

/** The kinds whose content shows in a resource; others that are read only lead to it. */
const SHOWN: Readonly<Record<ResourceType, readonly string[]>> = {
  Cluster: ["DestinationRule", "ServiceEntry", "Sidecar"],
  ClusterLoadAssignment: [],
  Listener: ["VirtualService", "ServiceEntry", "Sidecar"],
  RouteConfiguration: [],
  VirtualHost: ["VirtualService"],
  Secret: [],
};

export interface Named {
  readonly type: ResourceType;
  readonly name: string;
}

/** @returns as messages name them, sorted: `VirtualService shop/reviews` */
export function sourcesOf(mesh: Mesh, view: ProxyView, { type, name }: Named): readonly string[] {
  const sources = new Set(type === "Listener" ? gatewaySources(mesh, view, name) : []);
  const recorded = recording(mesh, (source) => {
    if (SHOWN[type].includes(source.split(" ")[0] ?? "")) sources.add(source);
  });
  // The key of a listener may tell whose it is.
  for (const row of translators.filter((one) => one.type === type))
    for (const key of allKeys(row, mesh, view)) {
      if (!leadsTo(untagged(key).key, name)) continue;
      const { applied = [] } = row.resource(recorded, view, key)?.patches ?? {};
      for (const { source } of applied) sources.add(source);
    }
  return [...sources].sort();
}

const leadsTo = (key: string, name: string): boolean => key === name || key.startsWith(`${name}/`);

const gatewaySources = (mesh: Mesh, view: ProxyView, listener: string): readonly string[] =>
  (serversByListener(mesh, view).get(listener) ?? []).map(({ gateway }) => gateway.source);

/** The mesh, telling the sources of all that is read of it. */
function recording(mesh: Mesh, note: (source: string) => void): Mesh {
  return new Proxy(mesh, {
    get(target, property): unknown {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== "function") return member;
      return (...args: readonly unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, args);
        for (const one of Array.isArray(result) ? (result as unknown[]) : [result])
          if (hasSource(one)) note(one.source);
        return result;
      };
    },
  });
}

const hasSource = (value: unknown): value is { readonly source: string } =>
  typeof value === "object" &&
  value !== null &&
  "source" in value &&
  typeof value.source === "string";
