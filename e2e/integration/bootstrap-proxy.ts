/** A proxy as a pod starts it: its arguments, its files as kubelet projects them, its network. */
import type { ChildProcess } from "node:child_process";
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { DEFAULT_RESOURCES, proxyContainer } from "../../src/inject/pod/proxy.ts";
import { ROOT_SDS_FILE, rootSds, TOKEN_FILE } from "../../src/xds/bootstrap.ts";
import type { AppProbe } from "../../src/xds/bootstrap-local.ts";
import { HttpClient, type HttpRecord } from "../harness/http.ts";
import { envoyBinary } from "../harness/tools.ts";
import { ended, type PodNetwork } from "./pod-network.ts";

/** A projected volume: files are links into a directory that is swapped as a whole. */
export class ProjectedVolume {
  readonly path: string;
  #version = 0;

  constructor(path: string) {
    this.path = path;
  }

  static async create(
    t: Pick<TestContext, "after">,
    files: Readonly<Record<string, string>>,
  ): Promise<ProjectedVolume> {
    const path = await mkdtemp(join(tmpdir(), "meshwright-volume-"));
    t.after(() => rm(path, { recursive: true, force: true }));
    await chmod(path, 0o755);
    const volume = new ProjectedVolume(path);
    await volume.write(files);
    for (const file of Object.keys(files)) await symlink(`..data/${file}`, join(path, file));
    return volume;
  }

  /** Replaces all files at once, as kubelet does. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    const version = `..v${++this.#version}`;
    await mkdir(join(this.path, version));
    for (const [file, text] of Object.entries(files))
      await writeFile(join(this.path, version, file), text);
    await symlink(version, join(this.path, "..data_tmp"));
    await rename(join(this.path, "..data_tmp"), join(this.path, "..data"));
  }
}

export const volumeFiles = (token: string, rootPem: string): Readonly<Record<string, string>> => ({
  [ROOT_SDS_FILE]: rootSds(rootPem),
  [TOKEN_FILE]: token,
});

export interface ProxyPod {
  readonly network: PodNetwork;
  readonly volume: ProjectedVolume;
  readonly xdsPort: number;
  readonly probes: readonly AppProbe[];
}

export interface RunningProxy {
  readonly child: ChildProcess;
  /** A request from outside the pod to its address. */
  get(port: number, path: string, headers?: Readonly<Record<string, string>>): Promise<HttpRecord>;
  /** A request to the admin, from inside. */
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** Kubernetes' expansion of `$(NAME)`, and of `$$`. */
export const expand = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\$|\$\((\w+)\)/g, (all, name: string | undefined) =>
    name === undefined ? "$" : (env[name] ?? all),
  );

export async function proxyArguments(
  { network, volume, xdsPort, probes }: ProxyPod,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const { args = [] } = proxyContainer({
    image: "",
    imagePullPolicy: "",
    application: "web",
    resources: DEFAULT_RESOURCES,
    concurrency: 1,
    logLevel: "warning",
    bootstrap: {
      namespace: "mesh-system",
      clusterDomain: "cluster.local",
      probes,
      directory: volume.path,
      controlPlane: { host: network.outside, port: xdsPort },
    },
  });
  const known = { POD_NAME: "web-1", POD_NAMESPACE: "shop", POD_IP: network.ip, ...env };
  return args.map((argument) => expand(argument, known));
}

export async function startProxy(
  pod: ProxyPod,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningProxy> {
  const [binary, args] = await Promise.all([envoyBinary(), proxyArguments(pod, env)]);
  const user = ["--reuid", "1337", "--regid", "1337", "--clear-groups"];
  const child = pod.network.start("setpriv", [...user, binary, ...args]);
  const host = env["POD_IP"] ?? pod.network.ip;
  return {
    child,
    get: async (port, path, headers = {}) => {
      const client = new HttpClient({ host, port });
      const record = await client.send({ path, headers, timeoutMs: 3_000 });
      client.close();
      return record;
    },
    admin: (path) =>
      pod.network.run(
        "bash",
        "-c",
        `exec 3<>/dev/tcp/127.0.0.1/15000; printf 'GET ${path} HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n' >&3; cat <&3`,
      ),
    stop: () => ended(child),
  };
}
