/**
 * The images that the Dockerfiles start from, made of packages where no registry can be reached:
 * tagged with the names of the official ones, so that one Dockerfile serves both.
 */
import { copyFile, link, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "../../e2e/cluster/cache.ts";
import { run } from "../../e2e/cluster/command.ts";
import { say } from "../../e2e/cluster/say.ts";
import { ensureTools } from "../../e2e/cluster/tools.ts";
import type { Buildah } from "./buildah.ts";
import { checkout, nodeVersion } from "./catalog.ts";

/** What the slim images of Debian leave out. */
const unread = ["doc", "info", "man", "locale", "lintian"].map(
  (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
);

async function makeDebian(directory: string): Promise<void> {
  say("making the base image debian:bookworm-slim (once per machine)");
  const target = join(directory, "rootfs.tar");
  await run(["mmdebstrap", "--quiet", "--variant=apt", ...unread, "bookworm", target]);
}

/** Builds an image of files that are added to the root of another. */
async function assemble(buildah: Buildah, tag: string, lines: readonly string[], files: Files) {
  const context = join(buildah.directory, "base");
  await rm(context, { recursive: true, force: true });
  await mkdir(context, { recursive: true });
  for (const [name, from] of Object.entries(files)) {
    // A link is enough, where the cache lies on the same file system.
    await link(from, join(context, name)).catch(() => copyFile(from, join(context, name)));
  }
  await writeFile(join(context, "Dockerfile"), lines.join("\n"));
  await buildah.run("build", "--quiet", "--tag", tag, context);
  await rm(context, { recursive: true });
}

type Files = Readonly<Record<string, string>>;

interface Base {
  readonly tag: string;
  readonly make: (buildah: Buildah, tag: string) => Promise<void>;
}

/** In the order in which they build on each other. */
const bases: readonly Base[] = [
  {
    tag: "docker.io/library/debian:bookworm-slim",
    make: async (buildah, tag) => {
      const directory = await cached({ name: "debian", version: "bookworm-1", make: makeDebian });
      await assemble(buildah, tag, ["FROM scratch", "ADD rootfs.tar /", 'CMD ["bash"]'], {
        "rootfs.tar": join(directory, "rootfs.tar"),
      });
    },
  },
  {
    tag: `docker.io/library/node:${nodeVersion}-bookworm-slim`,
    make: async (buildah, tag) =>
      assemble(buildah, tag, ["FROM debian:bookworm-slim", "COPY node /usr/local/bin/"], {
        node: join(checkout, "node_modules/node/bin/node"),
      }),
  },
  {
    tag: "docker.io/envoyproxy/envoy:v1.40.0",
    make: async (buildah, tag) => {
      const [envoy = ""] = await ensureTools(["envoy"]);
      await assemble(buildah, tag, ["FROM scratch", "COPY envoy /usr/local/bin/"], { envoy });
    },
  },
];

/** Makes the base images that this checkout's store lacks. */
export async function ensureBases(buildah: Buildah): Promise<void> {
  for (const base of bases) {
    if (!(await buildah.has(base.tag))) await base.make(buildah, base.tag);
  }
}
