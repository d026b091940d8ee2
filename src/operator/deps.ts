import type { Diagnostic } from "../api/diagnostic.ts";
import type { MeshConfig } from "../api/kinds.ts";
import type { KubeObject } from "../api/object.ts";
import type { Catalogue } from "../install/settings.ts";
import type { Client } from "../kube/client.ts";
import type { Events } from "../kube/events.ts";
import type { Log } from "../util/log.ts";
import type { Applied } from "./applied.ts";
import type { Probes } from "./probes.ts";
import type { Trust } from "./trust.ts";
import type { World } from "./world.ts";

/** Everything that a run of the reconciler works with. */
export interface Deps {
  readonly client: Client;
  readonly world: World;
  readonly applied: Applied;
  readonly trust: Trust;
  readonly probes: Probes;
  readonly events: Events;
  readonly catalogue: Catalogue;
  /** Definitions of the Istio API, as the image carries them. */
  readonly crds: readonly KubeObject[];
  /** What the control plane will find wrong with it. */
  readonly faultsOf: (mesh: MeshConfig) => readonly Diagnostic[];
  readonly log: Log;
  readonly now: () => Date;
}

/** Where on the MeshConfig it says that we have to clean up before it goes. */
export const FINALIZER = "meshwright.dev/finalizer";
