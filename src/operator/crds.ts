import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { KubeObject } from "../api/object.ts";
import { MeshError } from "../util/errors.ts";

/**
 * The definitions of the Istio API, as the image carries them.
 *
 * @throws MeshError `MESH0801` if the directory holds none: the image is broken
 */
export async function loadDefinitions(directory: string): Promise<readonly KubeObject[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".yaml")).sort();
  if (files.length === 0)
    throw new MeshError("MESH0801", `${directory} holds no CustomResourceDefinition`, {
      hint: "run `make setup` before the image is built, or use an image of a release",
    });
  const definitions: KubeObject[] = [];
  for (const file of files)
    definitions.push(parse(await readFile(join(directory, file), "utf8")) as KubeObject);
  return definitions;
}
