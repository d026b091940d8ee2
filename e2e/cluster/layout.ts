import { join } from "node:path";
import { type Addresses, addresses } from "./addresses.ts";
import { type Claim, runtimeRoot } from "./registry.ts";

/** One cluster: its name, its addresses, and where everything of it lies. */
export interface Cluster extends Addresses {
  readonly name: string;
  /** Everything that outlives a process, in the checkout. */
  readonly state: string;
  /** What dies with the machine: which process is the node. */
  readonly runtime: string;
  readonly kubeconfig: string;
}

/** Where the node's own mount namespace shows what it needs of this machine. */
export const inside = {
  checkout: "/run/meshwright/checkout",
  state: "/run/meshwright/state",
  tools: "/run/meshwright/tools",
} as const;

export function layout({ name, slot, checkout }: Claim): Cluster {
  const state = join(checkout, ".state", name);
  return {
    ...addresses(slot),
    name,
    state,
    runtime: join(runtimeRoot, String(slot)),
    kubeconfig: join(state, "kubeconfig"),
  };
}
