/** `make render`: the manifests with the images of IMAGE_PREFIX, under dist/manifests. */
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkout, imagePrefix, rendered } from "../harness/environment.ts";

for (const path of globSync("manifests/**/*.yaml", { cwd: checkout })) {
  const target = join(checkout, "dist", path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, rendered(path));
}
process.stdout.write(`dist/manifests/ has the manifests with images of ${imagePrefix}\n`);
