/** The real programs that integration tests run against, made on first use. */
import { ensureTools, type KubernetesProgram } from "../cluster/tools.ts";

const one = async (...tools: Parameters<typeof ensureTools>[0]): Promise<string> => {
  const [path = ""] = await ensureTools(tools);
  return path;
};

/** Stock Envoy. */
export const envoyBinary = (): Promise<string> => one("envoy");

/** A program of Kubernetes, built from the version the project supports. */
export const kubeBinary = (program: KubernetesProgram): Promise<string> => one(program);

/** The store of the API server. */
export const etcdBinary = (): Promise<string> => one("etcd");

export { ensureTools };
