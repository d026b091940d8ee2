/**
 * Which objects a resource is made from. Nothing is kept for it: the resource is made once more, and
 * what its translation reads tells. Only a proxy's refusal asks, so it may cost something.
 */
import type { Mesh } from "../model/ir/mesh.ts";
import { serversByListener } from "./gateway.ts";
import { untagged } from "./patch/select.ts";
import type { ResourceType } from "./resource.ts";
import { translators } from "./translate.ts";
import { allKeys, type Translator } from "./translator.ts";
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

interface Lead {
  readonly row: Translator;
  readonly key: string;
}

/** By names of resources. */
type Leads = ReadonlyMap<string, readonly Lead[]>;

/** Of a mesh that stays as it is: what there is for a proxy is listed once, however much is asked. */
export class Provenance {
  readonly #mesh: Mesh;
  readonly #leads = new Map<ProxyView, Map<ResourceType, Leads>>();

  constructor(mesh: Mesh) {
    this.#mesh = mesh;
  }

  /** @returns as messages name them, sorted: `VirtualService shop/reviews` */
  sourcesOf(view: ProxyView, { type, name }: Named): readonly string[] {
    const sources = new Set(type === "Listener" ? gatewaySources(this.#mesh, view, name) : []);
    const recorded = recording(this.#mesh, (source) => {
      if (SHOWN[type].includes(source.split(" ")[0] ?? "")) sources.add(source);
    });
    for (const { row, key } of this.#leadsTo(type, view).get(name) ?? []) {
      const { applied = [] } = row.resource(recorded, view, key)?.patches ?? {};
      for (const { source } of applied) sources.add(source);
    }
    return [...sources].sort();
  }

  #leadsTo(type: ResourceType, view: ProxyView): Leads {
    const byType = this.#leads.get(view) ?? new Map<ResourceType, Leads>();
    this.#leads.set(view, byType);
    const leads = byType.get(type) ?? leadsOf(type, this.#mesh, view);
    byType.set(type, leads);
    return leads;
  }
}

function leadsOf(type: ResourceType, mesh: Mesh, view: ProxyView): Leads {
  const rows = translators.filter((one) => one.type === type);
  const leads = rows.flatMap((row) =>
    allKeys(row, mesh, view).flatMap((key) =>
      namesIn(untagged(key).key).map((name) => ({ name, row, key })),
    ),
  );
  return Map.groupBy(leads, ({ name }) => name);
}

/** Of which resources a key may be: a listener's may go on after a slash, and tell whose it is. */
const namesIn = (key: string): readonly string[] =>
  [...key.matchAll(/\/|$/g)].map(({ index }) => key.slice(0, index));

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
