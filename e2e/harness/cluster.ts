/** The cluster that tests and demo run on: one of our own, or whatever kubectl points at. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { provideImages } from "../../images/build/provide.ts";
import { down } from "../cluster/down.ts";
import { setup } from "../cluster/setup.ts";
import { up } from "../cluster/up.ts";
import { KubeApi } from "./api.ts";
import { type ClusterKind, checkout, clusterKind } from "./environment.ts";
import { Kubectl } from "./kubectl.ts";
import { kubeBinary } from "./tools.ts";

export interface Cluster {
  readonly kind: ClusterKind;
  readonly name: string;
  readonly kubectl: Kubectl;
  readonly api: KubeApi;
  /** What to write before `kubectl` so that it speaks to this cluster. */
  readonly kubectlHint: string;
}

/** Brings our own cluster up with the images in it; the user's is as it is. Connects to it. */
export async function bringUp(name: string): Promise<Cluster> {
  if (clusterKind() === "local") {
    await setup();
    await up(name);
    await provideImages([name]);
  }
  return connect(name);
}

export async function takeDown(name: string): Promise<void> {
  if (clusterKind() === "local") await down(name);
}

/** Connects to a cluster that is up. */
export async function connect(name: string): Promise<Cluster> {
  const kind = clusterKind();
  if (kind === "current") {
    const kubectl = new Kubectl("kubectl", undefined);
    return { kind, name, kubectl, api: new KubeApi(undefined), kubectlHint: "kubectl" };
  }
  const kubeconfig = kubeconfigOf(name);
  if (!existsSync(kubeconfig))
    throw new Error(`the local cluster ${name} is not up: run \`make cluster-up NAME=${name}\``);
  const program = await kubeBinary("kubectl");
  return {
    kind,
    name,
    kubectl: new Kubectl(program, kubeconfig),
    api: new KubeApi(kubeconfig),
    kubectlHint: `KUBECONFIG=${kubeconfig} ${program}`,
  };
}

export const kubeconfigOf = (name: string): string => join(checkout, ".state", name, "kubeconfig");
