/** A real kube-apiserver over a real etcd, on loopback, without anything that would run a pod. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import {
  createWriteStream,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { OPERATOR, OPERATOR_NAMESPACE } from "../../src/api/names.ts";
import { Client } from "../../src/kube/client.ts";
import { etcdBinary, kubeBinary } from "./tools.ts";
import { waitFor } from "./wait.ts";

const OPERATOR_USER = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR}`;
const SERVICE_ACCOUNTS = "system:serviceaccounts,system:authenticated";
/** Tokens of the static token file; they are worth something on this one loopback server only. */
const TOKENS = { admin: "admin", operator: "operator" } as const;

const AUDIT_POLICY = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", verbs: ["create", "update", "patch", "delete"] }, { level: "None" }],
});

export interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly name?: string;
    readonly namespace?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

export class ApiServer {
  readonly #directory = mkdtempSync(join(tmpdir(), "api-server-"));
  readonly #processes = new Map<string, ChildProcess>();
  #ports = { etcd: 0, peer: 0, api: 0 };

  static async start(): Promise<ApiServer> {
    const server = new ApiServer();
    try {
      await server.#prepare();
      await server.#startEtcd();
      await server.resume();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** @param user the operator's service account has what its manifest grants, once that is applied */
  client(user: keyof typeof TOKENS = "admin"): Client {
    return new Client(this.config(user), { userAgent: `test-${user}` });
  }

  config(user: keyof typeof TOKENS = "admin"): KubeConfig {
    const config = new KubeConfig();
    const ca = readFileSync(join(this.#directory, "certs/apiserver.crt"));
    config.loadFromClusterAndUser(
      {
        name: "test",
        server: `https://127.0.0.1:${this.#ports.api}`,
        caData: ca.toString("base64"),
        skipTLSVerify: false,
      },
      { name: user, token: TOKENS[user] },
    );
    return config;
  }

  /** Kills the API server alone; etcd keeps what it has. */
  async kill(): Promise<void> {
    await end(this.#processes.get("apiserver"), "SIGKILL");
  }

  /** Starts the API server, again on its port. */
  async resume(): Promise<void> {
    this.#spawn("apiserver", await kubeBinary("kube-apiserver"), this.#apiserverArguments());
    await waitFor({ description: "API server that is ready", deadlineMs: 60_000 }, async () => {
      if (!existsSync(join(this.#directory, "certs/apiserver.crt"))) return false;
      const client = this.client();
      try {
        return (
          (await client.text({ doing: "ask /readyz", method: "GET", path: "/readyz" })) === "ok"
        );
      } finally {
        client.close();
      }
    });
  }

  /** Writes that the server answered, oldest first. */
  writes(): AuditEvent[] {
    return readFileSync(join(this.#directory, "audit.log"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as AuditEvent);
  }

  operatorWrites(): AuditEvent[] {
    return this.writes().filter(({ user }) => user.username === OPERATOR_USER);
  }

  async stop(): Promise<void> {
    await end(this.#processes.get("apiserver"), "SIGKILL");
    await end(this.#processes.get("etcd"), "SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #prepare(): Promise<void> {
    const [etcd = 0, peer = 0, api = 0] = await freePorts(3);
    this.#ports = { etcd, peer, api };
    const { publicKey, privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const write = (name: string, text: string): void =>
      writeFileSync(join(this.#directory, name), text, { mode: 0o600 });
    write("sa.pub", publicKey);
    write("sa.key", privateKey);
    write("audit.json", AUDIT_POLICY);
    write("audit.log", "");
    write(
      "tokens.csv",
      `${TOKENS.admin},admin,1,"system:masters"\n${TOKENS.operator},${OPERATOR_USER},2,"${SERVICE_ACCOUNTS}"\n`,
    );
  }

  async #startEtcd(): Promise<void> {
    const client = `http://127.0.0.1:${this.#ports.etcd}`;
    const peer = `http://127.0.0.1:${this.#ports.peer}`;
    this.#spawn("etcd", await etcdBinary(), [
      `--data-dir=${join(this.#directory, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
      "--log-level=error",
    ]);
  }

  #apiserverArguments(): string[] {
    const file = (name: string): string => join(this.#directory, name);
    return [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${this.#ports.api}`,
      `--cert-dir=${file("certs")}`,
      `--token-auth-file=${file("tokens.csv")}`,
      `--service-account-key-file=${file("sa.pub")}`,
      `--service-account-signing-key-file=${file("sa.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      "--service-cluster-ip-range=10.0.0.0/16",
      "--authorization-mode=RBAC",
      // Without a controller manager nobody makes the accounts that pods would need.
      "--disable-admission-plugins=ServiceAccount",
      `--audit-policy-file=${file("audit.json")}`,
      `--audit-log-path=${file("audit.log")}`,
      "--audit-log-mode=blocking",
      "--endpoint-reconciler-type=none",
    ];
  }

  #spawn(name: string, binary: string, args: readonly string[]): void {
    // It must not outlive a test that is killed.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", binary, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      // A sixth less CPU for half as much memory again.
      env: { ...process.env, GOGC: "400" },
    });
    const log = createWriteStream(join(this.#directory, `${name}.log`), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    // A log that ends with its directory is no fault.
    log.on("error", () => {});
    this.#processes.set(name, child);
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
