import { provideToCurrentContext } from "./current.ts";
import { provideLocally } from "./local.ts";

const defaultPrefix = "meshwright.local";

/**
 * Builds the images and brings them where pods will look for them: into the named clusters of this
 * checkout or, with CLUSTER=current, to where kubectl's current context takes its images from.
 */
export async function provideImages(
  clusterNames: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const prefix = env["IMAGE_PREFIX"] || undefined;
  if (env["CLUSTER"] === "current") await provideToCurrentContext(prefix);
  else await provideLocally(clusterNames, prefix ?? defaultPrefix);
}
