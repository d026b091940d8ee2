/**
 * A pod without a sidecar, whose gRPC clients follow the mesh: the real control plane over TLS and
 * tokens, the injected Envoy between the two, and clients of both libraries in the pod's network.
 */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { Authenticator } from "../../src/ads/auth.ts";
import type { Rejection } from "../../src/ads/connection.ts";
import { PodIndex } from "../../src/ads/pods.ts";
import { AdsServer } from "../../src/ads/server.ts";
import { ServingCertificates } from "../../src/ads/serving.ts";
import type { Container } from "../../src/api/gen/kubernetes.ts";
import { controlPlaneDnsNames, PROXY_DIRECTORY, TOKEN_AUDIENCE } from "../../src/api/names.ts";
import { Authority } from "../../src/ca/authority.ts";
import { createRoot, loadIssuer } from "../../src/ca/root.ts";
import { injectGrpcAgent } from "../../src/inject/pod/grpc-agent.ts";
import type { PodDraft } from "../../src/inject/pod/workload.ts";
import { createMeshModel } from "../../src/model/dataflow.ts";
import type { Bootstrap } from "../../src/proto/gen/envoy/config/bootstrap/v3/bootstrap.ts";
import { applyAll, objects, SETTINGS } from "../../src/testing/fixtures.ts";
import { silent } from "../../src/util/log.ts";
import { encode } from "../../src/xds/encode.ts";
import { createScopes } from "../../src/xds/scopes.ts";
import { translators } from "../../src/xds/translate.ts";
import { cached } from "../cluster/cache.ts";
import { run } from "../cluster/command.ts";
import { envoyBinary } from "../harness/tools.ts";
import { waitFor } from "../harness/wait.ts";
import { expand, ProjectedVolume, volumeFiles } from "./bootstrap-proxy.ts";
import { type PodNetwork, podNetwork } from "./pod-network.ts";

const APP = join(import.meta.dirname, "grpc-app.ts");
const GO_MODULE = join(import.meta.dirname, "grpc-client");
const ISSUER = "https://kubernetes.default.svc";
const POD: PodDraft = {
  metadata: { namespace: "shop", annotations: { "inject.istio.io/templates": "grpc-agent" } },
  spec: { containers: [{ name: "app", image: "app" }], serviceAccountName: "web" },
};

export type Library = "go" | "node";

/** How many calls got which answer: a version, or the name of a status. */
export type Counts = Readonly<Record<string, number>>;

export interface GrpcWorld {
  readonly server: AdsServer;
  readonly rejections: readonly Rejection[];
  apply(yaml: string): void;
  /** A client that calls `target`, with metadata `end-user` if one is named. */
  client(library: Library, target: string, user?: string): Caller;
  /** Servers that answer with their version, on loopback addresses of the pod. */
  serve(versions: Readonly<Record<string, string>>): Promise<void>;
}

export interface Caller {
  call(times: number): Promise<Counts>;
}

export async function grpcWorld(t: TestContext, yaml: string): Promise<GrpcWorld> {
  const network = await podNetwork(t);
  const model = createMeshModel(SETTINGS);
  const apply = (text: string): void => applyAll(model, objects(text));
  apply(yaml);
  const rejections: Rejection[] = [];
  const plane = await controlPlane(t, network.outside, {
    scopes: createScopes({
      engine: model.engine,
      mesh: model.mesh,
      translators,
      encode,
      onFault: ({ error }) => {
        throw error;
      },
    }),
    onRejection: (rejection) => void rejections.push(rejection),
  });
  const { spec } = injectGrpcAgent(POD, OPTIONS, "Pod shop/web-1").pod;
  const volume = await ProjectedVolume.create(t, volumeFiles(plane.token, plane.rootPem));
  await startAgent(network, spec.initContainers?.[0], { volume, port: plane.port });
  const env = spec.containers[0]?.env?.map(({ name, value }) => `${name}=${value}`) ?? [];
  const programs = { go: [await goClient()], node: [process.execPath, APP, "call"] };
  return {
    server: plane.server,
    rejections,
    apply,
    client: (library, target, user = "") => {
      const [program = "", ...args] = programs[library];
      return caller(network.start("env", [...env, program, ...args, target, user]));
    },
    serve: async (versions) => {
      const child = network.start(process.execPath, [APP, "serve", JSON.stringify(versions)]);
      if (child.stdout) await once(child.stdout, "data");
    },
  };
}

const OPTIONS = {
  image: "proxy",
  imagePullPolicy: "",
  controlPlaneNamespace: "mesh-system",
  clusterDomain: "cluster.local",
  revision: "default",
};

type Serving = Pick<ConstructorParameters<typeof AdsServer>[0], "scopes" | "onRejection">;

async function controlPlane(t: TestContext, host: string, serving: Serving) {
  const now = new Date();
  const root = await createRoot({ trustDomain: "cluster.local", now, ttlMs: 86_400_000 });
  const issuer = await loadIssuer(root, { source: "test", now });
  const authority = new Authority(issuer, { workloadTtlMs: 3_600_000, now: () => new Date() });
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256" }] };
  const pods = new PodIndex();
  const pod = { name: "web-1", uid: "uid-1" };
  pods.replace([{ metadata: { namespace: "shop", ...pod }, spec: { serviceAccountName: "web" } }]);
  const trustDomain = "cluster.local";
  const authenticator = new Authenticator({
    issuer: {
      discover: () => Promise.resolve({ issuer: ISSUER, keys }),
      review: () => Promise.resolve(undefined),
    },
    pods,
    trustDomain,
    log: silent,
  });
  const secrets = authority;
  const server = new AdsServer({
    ...serving,
    secrets,
    pods,
    trustDomain,
    authenticator,
    log: silent,
  });
  const names = controlPlaneDnsNames("mesh-system", "cluster.local");
  const certificates = new ServingCertificates(await authority.issueServing([...names]));
  const port = await server.listen({ host, port: 0, certificates });
  t.after(() => server.drain(0));
  const serviceaccount = { name: "web", uid: "sa-1" };
  const token = await new SignJWT({ "kubernetes.io": { namespace: "shop", serviceaccount, pod } })
    .setProtectedHeader({ alg: "RS256", kid: "k1" })
    .setIssuer(ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(privateKey);
  return { server, port, token, rootPem: authority.trustBundle().pem };
}

/** The injected container, whose control plane and files are where this test has them. */
async function startAgent(
  network: PodNetwork,
  container: Container | undefined,
  { volume, port }: { readonly volume: ProjectedVolume; readonly port: number },
): Promise<void> {
  const env = { POD_NAME: "web-1", POD_NAMESPACE: "shop", POD_IP: network.ip };
  const args = (container?.args ?? []).map((argument) => {
    const text = expand(argument, env).replaceAll(PROXY_DIRECTORY, volume.path);
    return text.startsWith("{") ? pointedTo(text, network.outside, port) : text;
  });
  const user = ["--reuid", "1337", "--regid", "1337", "--clear-groups"];
  network.start("setpriv", [...user, await envoyBinary(), ...args]);
  const ready = `http://${network.ip}:15021/healthz/ready`;
  await waitFor({ description: "a ready Envoy", deadlineMs: 15_000, intervalMs: 50 }, async () =>
    fetch(ready).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

function pointedTo(text: string, address: string, portValue: number): string {
  const bootstrap = JSON.parse(text) as Bootstrap;
  const [upstream, ...others] = bootstrap.staticResources?.clusters ?? [];
  const endpoint = { address: { socketAddress: { address, portValue } } };
  const loadAssignment = {
    clusterName: upstream?.name,
    endpoints: [{ lbEndpoints: [{ endpoint }] }],
  };
  const clusters = [{ ...upstream, loadAssignment }, ...others];
  return JSON.stringify({
    ...bootstrap,
    staticResources: { ...bootstrap.staticResources, clusters },
  });
}

function caller(child: ChildProcess): Caller {
  if (child.stdin === null || child.stdout === null) throw new TypeError("the client has no pipes");
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    call: async (times) => {
      stdin.write(`${times}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the client ended with ${child.exitCode}`);
      return JSON.parse(value) as Counts;
    },
  };
}

/** Built once, from the Go modules that its own go.mod pins. */
async function goClient(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of globSync("*", { cwd: GO_MODULE }).sort())
    hash.update(readFileSync(join(GO_MODULE, file)));
  const directory = await cached({
    name: "grpc-client",
    version: hash.digest("hex").slice(0, 12),
    make: async (to) => {
      const output = join(to, "grpc-client");
      await run(["nice", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", output, "."], {
        cwd: GO_MODULE,
        env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
      });
    },
  });
  return join(directory, "grpc-client");
}
