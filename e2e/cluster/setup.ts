import { installPackages, requireGo } from "./packages.ts";
import { allTools, ensureTools } from "./tools.ts";

/** Installs and compiles what clusters, images and integration tests need; quick when it is there. */
export async function setup(): Promise<void> {
  await installPackages();
  await requireGo();
  await ensureTools(allTools);
}
