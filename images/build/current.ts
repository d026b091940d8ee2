/** Images for a cluster that the user has: built by whatever builds images here, then handed over. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run, which } from "../../e2e/cluster/command.ts";
import { ClusterError } from "../../e2e/cluster/errors.ts";
import { say } from "../../e2e/cluster/say.ts";
import { checkout, type Image, images, tag } from "./catalog.ts";

type Deliver = (builder: string, name: string) => Promise<unknown>;

const show = { show: true } as const;

function findBuilder(): string {
  const builder = ["docker", "podman", "buildah"].find((program) => which(program) !== undefined);
  if (builder !== undefined) return builder;
  throw new ClusterError(
    "nothing on this machine builds images",
    "install docker, podman or buildah, or push the images yourself and set IMAGE_PREFIX",
  );
}

/** How a kind or k3d cluster takes an image without a registry, by the name of its context. */
export function localDelivery(context: string): readonly [string, ...string[]] | undefined {
  const [, program, cluster = ""] = /^(kind|k3d)-(.+)$/.exec(context) ?? [];
  if (program === "kind") return ["kind", "load", "docker-image", "--name", cluster];
  if (program === "k3d") return ["k3d", "image", "import", "--cluster", cluster];
  return undefined;
}

async function delivery(prefix: string | undefined): Promise<Deliver> {
  if (prefix !== undefined) return (builder, name) => run([builder, "push", name], show);
  const context = (await run(["kubectl", "config", "current-context"])).trim();
  const command = localDelivery(context);
  if (command !== undefined) return (_, name) => run([...command, name], show);
  throw new ClusterError(
    `the context ${context} is neither of kind nor of k3d: its nodes need a registry`,
    "set IMAGE_PREFIX to a registry that you may push to and the cluster may pull from",
  );
}

const buildCommand = (
  builder: string,
  image: Image,
  name: string,
): readonly [string, ...string[]] => [
  builder,
  "build",
  "--tag",
  name,
  "--file",
  join(checkout, image.dockerfile),
  join(checkout, image.context ?? "."),
];

/** Builds the images, pushes them to the registry of `prefix` or loads them into kind or k3d. */
export async function provideToCurrentContext(prefix: string | undefined): Promise<void> {
  const builder = findBuilder();
  const deliver = await delivery(prefix);
  for (const image of images.filter(({ dockerfile }) => existsSync(join(checkout, dockerfile)))) {
    const name = tag(image, prefix ?? "meshwright.local");
    say(`building ${name} with ${builder}`);
    await run(buildCommand(builder, image, name), show);
    await deliver(builder, name);
  }
}
