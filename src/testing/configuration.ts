/** All that a proxy is sent, by type and name, before it is encoded. */
import type { Mesh } from "../model/ir/mesh.ts";
import type { ResourceType } from "../xds/resource.ts";
import { translators } from "../xds/translate.ts";
import { allKeys, type Translated } from "../xds/translator.ts";
import type { ProxyView } from "../xds/view.ts";

export type Configuration = Partial<Record<ResourceType, Record<string, object>>>;

export function translatedFor(
  mesh: Mesh,
  view: ProxyView,
): readonly (Translated & { readonly type: ResourceType })[] {
  return translators.flatMap((row) =>
    allKeys(row, mesh, view).flatMap((key) => {
      const translated = row.resource(mesh, view, key);
      return translated === undefined ? [] : [{ type: row.type, ...translated }];
    }),
  );
}

export function configurationOf(mesh: Mesh, view: ProxyView): Configuration {
  const byType: Configuration = {};
  for (const { type, name, body } of translatedFor(mesh, view)) {
    const resources = byType[type] ?? {};
    if (name in resources) throw new RangeError(`two resources of type ${type} are named ${name}`);
    byType[type] = { ...resources, [name]: body };
  }
  return byType;
}
