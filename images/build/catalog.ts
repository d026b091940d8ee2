/** The images of the project, and what each is built from. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const checkout = join(import.meta.dirname, "../..");

export interface Image {
  readonly name: string;
  readonly dockerfile: string;
  /** Every path of the checkout that the build reads. */
  readonly sources: readonly string[];
  /** The build context, if it is a directory as it is. */
  readonly context?: string;
}

export const images: readonly Image[] = [
  {
    name: "meshwright",
    dockerfile: "images/meshwright/Dockerfile",
    sources: [
      "package.json",
      "package-lock.json",
      "tsconfig.json",
      "src",
      "crds",
      "images/meshwright",
    ],
  },
  {
    name: "meshwright-proxy",
    dockerfile: "images/proxy/Dockerfile",
    sources: ["images/proxy"],
    context: "images/proxy",
  },
  {
    name: "meshwright-bookinfo",
    dockerfile: "images/bookinfo/Dockerfile",
    sources: ["images/bookinfo"],
    context: "images/bookinfo",
  },
];

/** Whether a file of the sources is left out of every image. */
export const isTest = (path: string): boolean =>
  path.endsWith(".test.ts") || path.endsWith("/src/testing");

interface Package {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as Package;

export const nodeVersion = manifest.devDependencies["node"] ?? "";

/** What the image is called in manifests and registries. */
export function tag({ name }: Image, prefix: string): string {
  return `${prefix}/${name}:${manifest.version}`;
}
