import { execFileSync } from "node:child_process";

/** Downloads a Go module (`path@version`) into the module cache, if needed, and says where it is. */
export function moduleDirectory(module: string): string {
  const json = execFileSync("go", ["mod", "download", "-json", module], {
    encoding: "utf8",
    env: { ...process.env, GOFLAGS: "-mod=mod" },
  });
  return (JSON.parse(json) as { Dir: string }).Dir;
}

/** Istio's API: its CustomResourceDefinitions are what users' objects are checked against. */
export const ISTIO_API = "istio.io/api@v1.31.4";
/** The Kubernetes release that the local cluster runs; its OpenAPI document gives the core types. */
export const KUBERNETES = "k8s.io/kubernetes@v1.34.4";
