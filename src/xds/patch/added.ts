/** Resources that are there only because an EnvoyFilter adds them. */
import type { EnvoyPatch } from "../../model/ir/envoy-filter.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import { bytesOf } from "../../proto/reflect/json.ts";
import { contentVersion } from "../encode.ts";
import { httpTables } from "../gateway.ts";
import { portRoute } from "../names.ts";
import type { Translated, Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { clustersNamed } from "./named-clusters.ts";
import { patchesOf } from "./patchable.ts";
import { isMeantRoute } from "./route.ts";
import { filtersFor, isFor, tagged, untagged } from "./select.ts";
import { MESSAGES, nameOf, namesOf, roleOf, valueOf } from "./subject.ts";

const SUBJECTS = { Listener: "LISTENER", Cluster: "CLUSTER", VirtualHost: "VIRTUAL_HOST" } as const;

type Addable = keyof typeof SUBJECTS;

/** An addition by the name that its resource has; of two for one name the first counts. */
type Additions = ReadonlyMap<string, EnvoyPatch>;

export const addedClusters = added("Cluster");
export const addedListeners = added("Listener");
export const addedHosts = added("VirtualHost");

function added(type: Addable): Translator {
  return {
    type,
    keys: (mesh, view) => {
      const filters = filtersFor(mesh, view, [`Added ${type}`]);
      if (filters.length === 0) return [];
      return tagged([...additions(type, mesh, view, filters).keys()].sort(), filters);
    },
    resource(mesh, view, tag) {
      const { key, filters } = untagged(tag);
      const patch = additions(type, mesh, view, filters).get(key);
      return patch && addition(type, mesh, key, patch);
    },
  };
}

function additions(
  type: Addable,
  mesh: Mesh,
  view: ProxyView,
  filters: readonly string[],
): Additions {
  const found = new Map<string, EnvoyPatch>();
  for (const patch of patchesOf(mesh, filters)) {
    if (patch.subject !== SUBJECTS[type] || patch.operation !== "ADD") continue;
    const name = nameOf(valueOf(patch));
    for (const full of type === "VirtualHost" ? hostNames(patch, mesh, view, name) : [name])
      if (isForProxy(patch, view) && !found.has(full)) found.set(full, patch);
  }
  return found;
}

/** What would be there if a proxy had taken it. */
export function refusedAdditions(
  mesh: Mesh,
  view: ProxyView,
  { type, name }: { readonly type: string; readonly name: string },
): readonly EnvoyPatch[] {
  if (!isAddable(type)) return [];
  const filters = filtersFor(mesh, view, [`Added ${type}`]);
  const patch = additions(type, mesh, view, filters).get(name);
  return patch && addition(type, mesh, name, patch) === undefined ? [patch] : [];
}

const isAddable = (type: string): type is Addable => Object.hasOwn(SUBJECTS, type);

/** What is added for what comes in or for what leaves is added to the one proxy that does both. */
const isForProxy = (patch: EnvoyPatch, view: ProxyView): boolean =>
  isFor(patch, view, view.kind === "gateway" ? "gateway" : "outbound") ||
  (view.kind === "sidecar" && isFor(patch, view, "inbound"));

/** One for each route configuration that is meant. What comes in has its hosts in the listener. */
function hostNames(
  patch: EnvoyPatch,
  mesh: Mesh,
  view: ProxyView,
  name: string,
): readonly string[] {
  if (patch.role === "inbound") return [];
  const role = roleOf(view, name);
  const subject = { mesh, view, type: "VirtualHost", name, role } as const;
  return routes(mesh, view)
    .filter((route) => isMeantRoute(route, patch.route, subject))
    .map((route) => `${route}/${name}`);
}

const routes = (mesh: Mesh, view: ProxyView): readonly string[] =>
  view.kind === "gateway"
    ? httpTables(mesh, view).map(({ route }) => route)
    : mesh.httpPorts(mesh.scope(view)).map(portRoute);

function addition(
  type: Addable,
  mesh: Mesh,
  name: string,
  patch: EnvoyPatch,
): Translated | undefined {
  const value = valueOf(patch);
  const body = { ...value, name };
  const bytes = bytesOf(MESSAGES[type], body);
  if (type === "VirtualHost" && namesOf(value["domains"]).length === 0) return undefined;
  if (mesh.isRefused(contentVersion(bytes))) return undefined;
  const clusters = clustersNamed(type, body);
  return { name, body, bytes, clusters, patches: { applied: [patch], omitted: [] } };
}
