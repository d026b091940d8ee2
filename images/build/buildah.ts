/** buildah with an image store of this checkout, and without traces on the machine. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { attempt, type Outcome, run } from "../../e2e/cluster/command.ts";

export interface Buildah {
  readonly directory: string;
  readonly run: (...args: readonly string[]) => Promise<string>;
  readonly has: (image: string) => Promise<boolean>;
}

/** overlayfs cannot lie on overlayfs, which is what a checkout inside a container lies on. */
async function storageDriver(directory: string): Promise<string> {
  const { stdout } = await attempt(["stat", "--file-system", "--format=%T", directory]);
  return stdout.trim() === "overlayfs" ? "vfs" : "overlay";
}

/** Opens the store below `directory`. */
export async function openBuildah(directory: string): Promise<Buildah> {
  await mkdir(directory, { recursive: true });
  const store = [
    `--root=${join(directory, "store")}`,
    `--runroot=${join(directory, "run")}`,
    `--storage-driver=${await storageDriver(directory)}`,
  ];
  const command = (args: readonly string[]): readonly [string, ...string[]] => [
    // The store's own mounts end with the command.
    ...(["unshare", "--mount", "--propagation=private", "buildah"] as const),
    ...store,
    ...args,
  ];
  // A change root needs no more rights than the machine gives.
  const options = { env: { BUILDAH_ISOLATION: "chroot" } };
  const outcome = (...args: readonly string[]): Promise<Outcome> => attempt(command(args), options);
  return {
    directory,
    run: (...args) => run(command(args), options),
    has: async (image) => (await outcome("inspect", "--type", "image", image)).code === 0,
  };
}
