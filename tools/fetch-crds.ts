/**
 * Writes crds/istio: one file per CustomResourceDefinition of Istio's API, at a pinned version.
 * The operator installs them; they are not committed. Does nothing if they are there already.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { ISTIO_API, moduleDirectory } from "./go-module.ts";

const OUT = resolve(import.meta.dirname, "../crds/istio");
const STAMP = join(OUT, ".version");

interface CustomResourceDefinition {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

if (!existsSync(STAMP) || readFileSync(STAMP, "utf8") !== ISTIO_API) {
  const file = join(moduleDirectory(ISTIO_API), "kubernetes/customresourcedefinitions.gen.yaml");
  const definitions = parseAllDocuments(readFileSync(file, "utf8"))
    .map((document) => document.toJS() as CustomResourceDefinition | null)
    .filter((object) => object?.kind === "CustomResourceDefinition");
  if (definitions.length === 0) throw new RangeError(`${file} holds no CustomResourceDefinition`);
  // Written aside and renamed: an interrupted run leaves nothing that looks complete.
  const next = `${OUT}.${process.pid}`;
  mkdirSync(next, { recursive: true });
  for (const definition of definitions)
    if (definition !== null)
      writeFileSync(
        join(next, `${definition.metadata.name}.yaml`),
        stringify(definition, { aliasDuplicateObjects: false, lineWidth: 100 }),
      );
  writeFileSync(join(next, ".version"), ISTIO_API);
  rmSync(OUT, { recursive: true, force: true });
  renameSync(next, OUT);
}
