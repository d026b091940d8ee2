/**
 * `make demo`: from nothing to a mesh with bookinfo behind its gateway, and the exercises on it.
 * Leaves everything running. `node e2e/demo/run.ts down` removes it.
 */
import { existsSync } from "node:fs";
import { bringUp, type Cluster, connect, kubeconfigOf, takeDown } from "../harness/cluster.ts";
import { clusterKind } from "../harness/environment.ts";
import { authorityOf, HttpClient } from "../harness/http.ts";
import { type Ingress, reachIngress } from "../harness/ingress.ts";
import {
  installOperator,
  MESH_MANIFEST,
  meshReady,
  OPERATOR_MANIFEST,
  removeMesh,
} from "../harness/mesh.ts";
import {
  BOOKINFO,
  createNamespace,
  deleteNamespace,
  deploy,
  INJECTED,
  namespaceGone,
  networking,
} from "../harness/samples.ts";
import { pods } from "../harness/workloads.ts";
import type { Exercise, Lab } from "./exercise.ts";
import { circuitBreaking } from "./exercises/circuit-breaking.ts";
import { requestRouting } from "./exercises/request-routing.ts";
import { requestTimeouts } from "./exercises/request-timeouts.ts";
import { tcpTrafficShifting } from "./exercises/tcp-traffic-shifting.ts";
import { trafficShifting } from "./exercises/traffic-shifting.ts";
import { hints } from "./hints.ts";
import { chapter, say, step } from "./narrator.ts";

const NAMESPACE = "bookinfo";
const name = process.env["NAME"] || "meshwright";

const exercises: readonly Exercise[] = [
  requestRouting,
  trafficShifting,
  tcpTrafficShifting,
  requestTimeouts,
  circuitBreaking,
];

async function install(cluster: Cluster): Promise<void> {
  chapter("The mesh");
  await step(`kubectl apply -f ${OPERATOR_MANIFEST}: the operator runs`, () =>
    installOperator(cluster),
  );
  await step(`kubectl apply -f ${MESH_MANIFEST}: the mesh is Ready`, async () => {
    await cluster.kubectl.apply(MESH_MANIFEST);
    await meshReady(cluster, 120_000, say);
  });
}

async function deployBookinfo(cluster: Cluster): Promise<void> {
  chapter("Bookinfo");
  await createNamespace(cluster, { name: NAMESPACE, labels: INJECTED });
  await step(`kubectl apply -n ${NAMESPACE} -f ${BOOKINFO}: all pods are ready`, () =>
    deploy(cluster, NAMESPACE, [BOOKINFO]),
  );
  for (const { metadata, spec } of await pods(cluster, NAMESPACE)) {
    const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
    say(`  ${metadata.name}: ${containers.map((container) => container.name).join(", ")}`);
  }
  await step("applied bookinfo-gateway.yaml: bookinfo is behind the ingress gateway", () =>
    cluster.kubectl.apply(networking("bookinfo-gateway"), NAMESPACE),
  );
}

async function runExercises(lab: Lab): Promise<void> {
  for (const [i, { title, page, run }] of exercises.entries()) {
    chapter(`Exercise ${i + 1}: ${title} (${page})`);
    await run(lab);
  }
  await restoreRoutes(lab);
}

/** Bookinfo as the first exercise leaves it, which is what the hints below speak of. */
async function restoreRoutes({ cluster, namespace }: Lab): Promise<void> {
  for (const routes of ["virtual-service-all-v1", "virtual-service-reviews-test-v2"])
    await cluster.kubectl.apply(networking(routes), namespace);
}

function printNext(cluster: Cluster, ingress: Ingress): void {
  chapter("All of it worked, and the mesh goes on running. To try next:");
  const found = hints({
    kubectl: cluster.kubectlHint,
    ingress,
    given: { CLUSTER: clusterKind(), NAME: name },
    namespace: NAMESPACE,
    routes: networking("virtual-service-reviews-v3"),
  });
  for (const [command, why] of found) process.stdout.write(`    ${command}\n        # ${why}\n`);
}

async function demo(): Promise<void> {
  chapter(`A Kubernetes cluster (CLUSTER=${clusterKind()})`);
  const cluster = await bringUp(name);
  await install(cluster);
  await deployBookinfo(cluster);
  const ingress = await reachIngress(cluster);
  say(`the ingress gateway answers at http://${authorityOf(ingress)}/`);
  const client = new HttpClient(ingress);
  await runExercises({
    cluster,
    namespace: NAMESPACE,
    ingress: client,
    say: (line) => say(`  ${line}`),
  });
  printNext(cluster, ingress);
  client.close();
  ingress.close();
  cluster.api.close();
}

/** A cluster of our own goes as a whole; from the user's own, only what the demo brought. */
async function remove(): Promise<void> {
  if (clusterKind() === "local") return takeDown(name);
  const cluster = await connect(name);
  await deleteNamespace(cluster, NAMESPACE);
  await namespaceGone(cluster, NAMESPACE);
  await removeMesh(cluster);
  await cluster.kubectl.delete(OPERATOR_MANIFEST);
  cluster.api.close();
  say("the mesh, its operator and bookinfo are gone");
}

try {
  await (process.argv[2] === "down" ? remove() : demo());
} catch (error) {
  // The edge of the program: whatever went wrong is told to the person who waits for it.
  say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  if (clusterKind() === "local" && existsSync(kubeconfigOf(name)))
    say(`the cluster is as it was then: export KUBECONFIG=${kubeconfigOf(name)}`);
  say("where to look: docs/troubleshooting.md");
  process.exitCode = 1;
}
