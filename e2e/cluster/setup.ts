import { installPackages } from "./packages.ts";
import { allTools, ensureTools, requireBuilders } from "./tools.ts";

/** Installs and compiles what clusters, images and integration tests need; quick when it is there. */
export async function setup(): Promise<void> {
  await requireBuilders();
  await installPackages();
  await ensureTools(allTools);
}
