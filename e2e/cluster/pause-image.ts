import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Artifact, cached } from "./cache.ts";
import { run } from "./command.ts";
import { ensureTools } from "./tools.ts";

/** The image that holds a pod's namespaces open. */
export const pauseImage = "meshwright.local/pause:1";

const architecture = process.arch === "x64" ? "amd64" : process.arch;

/** The same content gives the same archive, on any day. */
const reproducibly = ["--owner=0", "--group=0", "--mtime=@0", "--sort=name"];

const tar = (directory: string, file: string, ...members: string[]): Promise<string> =>
  run(["tar", "--create", ...reproducibly, "--file", file, "--directory", directory, ...members]);

/** Writes an image of one static program, as an archive that containerd imports. */
async function writeArchive(directory: string): Promise<void> {
  const [program = ""] = await ensureTools(["pause"]);
  const draft = join(directory, "draft");
  await mkdir(join(draft, "root"), { recursive: true });
  await copyFile(program, join(draft, "root/pause"));
  await chmod(join(draft, "root/pause"), 0o755);
  await tar(join(draft, "root"), join(draft, "layer.tar"), "pause");
  const digest = createHash("sha256").update(await readFile(join(draft, "layer.tar")));
  const image = {
    architecture,
    os: "linux",
    config: { Entrypoint: ["/pause"], User: "65535:65535" },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest.digest("hex")}`] },
  };
  const manifest = [{ Config: "config.json", RepoTags: [pauseImage], Layers: ["layer.tar"] }];
  await writeFile(join(draft, "config.json"), JSON.stringify(image));
  await writeFile(join(draft, "manifest.json"), JSON.stringify(manifest));
  await tar(draft, join(directory, "pause.tar"), "manifest.json", "config.json", "layer.tar");
  await rm(draft, { recursive: true });
}

const artifact: Artifact = { name: "pause-image", version: "1", make: writeArchive };

/** The archive of the pause image. */
export async function pauseArchive(): Promise<string> {
  return join(await cached(artifact), "pause.tar");
}
