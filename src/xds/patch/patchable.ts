/** Rows of the translator with EnvoyFilters applied to what they make. */
import type { EnvoyPatch, PatchRole } from "../../model/ir/envoy-filter.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import type { Translator } from "../translator.ts";
import type { ProxyView } from "../view.ts";
import { isPatchable, type Patchable, patched } from "./apply.ts";
import { filtersFor, tagged, untagged } from "./select.ts";
import { roleOf } from "./subject.ts";

/** The row, if its resources can be patched. Without filters it costs the same as before. */
export function patchable(row: Translator): Translator {
  const { type } = row;
  if (!isPatchable(type)) return row;
  const hasGroups = row.groups !== undefined;
  const roleFor: RoleFor = (view, name) => row.role ?? roleOf(view, name);
  const tag = taggerOf(type, roleFor);
  return {
    type,
    ...(hasGroups && {
      groups: (mesh, view) => tag(mesh, view, row.groups?.(mesh, view) ?? []),
    }),
    keys(mesh, view, group) {
      if (!hasGroups) return tag(mesh, view, row.keys(mesh, view, group));
      const { key, filters } = untagged(group);
      // Names that are short for keys are tagged with them.
      return row.keyOf === undefined
        ? tagged(row.keys(mesh, view, key), filters)
        : row.keys(mesh, view, key);
    },
    ...(row.keyOf && { keyOf: keyTagger(row.keyOf.bind(row)) }),
    standpoint(mesh, namespace, tagOfKey) {
      const { key, filters } = untagged(tagOfKey);
      // A patch may ask who the proxy is.
      if (filters.length > 0 || row.standpoint === undefined) return namespace;
      return row.standpoint(mesh, namespace, key);
    },
    resource(mesh, view, tagOfKey) {
      const { key, filters } = untagged(tagOfKey);
      const translated = row.resource(mesh, view, key);
      if (translated === undefined || filters.length === 0) return translated;
      const { name } = translated;
      const subject = { mesh, view, type, name, role: roleFor(view, name) };
      return patched(translated, patchesOf(mesh, filters), subject);
    },
  };
}

const keyTagger =
  (keyOf: NonNullable<Translator["keyOf"]>) =>
  (group: string, name: string): string => {
    const { key, filters } = untagged(group);
    const full = keyOf(key, name);
    return tagged([full], filters)[0] ?? full;
  };

type RoleFor = (view: ProxyView, name: string) => PatchRole;

type Tagger = (mesh: Mesh, view: ProxyView, names: readonly string[]) => readonly string[];

const taggerOf =
  (type: Patchable, roleFor: RoleFor): Tagger =>
  (mesh, view, names) => {
    const roles: readonly PatchRole[] =
      view.kind === "gateway" ? ["gateway"] : ["inbound", "outbound"];
    const areAny = roles.some(
      (role) => mesh.envoyFilters(view.namespace, `${type} ${role}`).length > 0,
    );
    if (!areAny) return names;
    const found = new Map<PatchRole, readonly string[]>();
    return names.flatMap((name) => {
      const role = roleFor(view, name);
      const filters = found.get(role) ?? filtersFor(mesh, view, [`${type} ${role}`]);
      found.set(role, filters);
      return tagged([name], filters);
    });
  };

export const patchesOf = (mesh: Mesh, filters: readonly string[]): readonly EnvoyPatch[] =>
  filters.flatMap((key) => mesh.envoyFilter(key)?.patches ?? []);
