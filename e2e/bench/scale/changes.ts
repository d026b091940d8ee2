/** The changes that are measured, each made again and again. */
import type { KubeObject } from "../../../src/api/object.ts";
import * as world from "./world.ts";

export interface Change {
  readonly title: string;
  readonly type: "VirtualHost" | "ClusterLoadAssignment" | "Cluster";
  /** The object to apply in round `i`, and what to look for in what proxies get. */
  readonly make: (i: number) => { readonly object: KubeObject; readonly text: string };
}

/** A service with a VirtualService and a DestinationRule. */
const CHANGED = 4;

export const changesOf = (size: world.Size): readonly Change[] => [
  {
    title: "one VirtualService changed",
    type: "VirtualHost",
    make: (i) => ({ object: world.virtualService(CHANGED, `mark-${i}-`), text: `mark-${i}-` }),
  },
  {
    title: "one endpoint changed",
    type: "ClusterLoadAssignment",
    make: (i) => {
      const object = world.endpointSlice(CHANGED, size, 1 + (i % 2));
      return { object, text: world.addressesOf(object).at(-1) ?? "" };
    },
  },
  {
    title: "one Service added",
    type: "Cluster",
    make: (i) => {
      const index = size.services + i * world.NAMESPACES.length;
      return { object: world.service(index), text: `outbound|80||${world.serviceName(index)}.` };
    },
  },
];
