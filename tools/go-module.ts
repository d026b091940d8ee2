import { spawnSync } from "node:child_process";

/**
 * Downloads a Go module (`path@version`) into the module cache, if needed, and says where it is.
 * @throws Error if Go is not there, or with its words if it cannot
 */
export function moduleDirectory(module: string, env: NodeJS.ProcessEnv = process.env): string {
  const { error, status, stdout, stderr } = spawnSync("go", ["mod", "download", "-json", module], {
    encoding: "utf8",
    env: { ...env, GOFLAGS: "-mod=mod" },
  });
  if (error && "code" in error && error.code === "ENOENT")
    throw new Error(`Go 1.25 or newer is needed to download ${module}: install it from go.dev/dl`);
  if (error) throw error;
  if (status !== 0) throw new Error(`go mod download ${module} failed: ${stdout}${stderr}`);
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** Istio's API: its CustomResourceDefinitions are what users' objects are checked against. */
export const ISTIO_API = "istio.io/api@v1.31.4";
/** The Kubernetes release that the local cluster runs; its OpenAPI document gives the core types. */
export const KUBERNETES = "k8s.io/kubernetes@v1.34.4";
