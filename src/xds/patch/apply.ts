/**
 * Patches on one resource, from the outermost thing that they change to the innermost, and among
 * those of one kind in the order of their filters. If a proxy did not take the outcome, it is made
 * without the patches that it takes to have one that none refused: those before them stay.
 */
import type { EnvoyPatch, PatchSubject } from "../../model/ir/envoy-filter.ts";
import { bytesOf, type JsonObject, jsonOf } from "../../proto/reflect/json.ts";
import { contentVersion, encodeBody } from "../encode.ts";
import type { Translated } from "../translator.ts";
import { patchedCluster } from "./cluster.ts";
import { patchedListener } from "./listener.ts";
import { clustersNamed } from "./named-clusters.ts";
import { patchedHost, patchedRoutes } from "./route.ts";
import { isFor } from "./select.ts";
import { MESSAGES, type Subject } from "./subject.ts";

/** What each kind of resource holds that can be patched, outermost first. */
const LEVELS = {
  Listener: [
    "LISTENER",
    "LISTENER_FILTER",
    "FILTER_CHAIN",
    "NETWORK_FILTER",
    "HTTP_FILTER",
    "EXTENSION_CONFIG",
    "ROUTE_CONFIGURATION",
    "VIRTUAL_HOST",
    "HTTP_ROUTE",
  ],
  RouteConfiguration: ["ROUTE_CONFIGURATION"],
  VirtualHost: ["VIRTUAL_HOST", "HTTP_ROUTE"],
  Cluster: ["CLUSTER"],
} as const satisfies Readonly<Record<string, readonly PatchSubject[]>>;

export type Patchable = keyof typeof LEVELS;

export const isPatchable = (type: string): type is Patchable => Object.hasOwn(LEVELS, type);

const CHANGES = {
  Listener: patchedListener,
  RouteConfiguration: patchedRoutes,
  VirtualHost: patchedHost,
  Cluster: patchedCluster,
} as const;

interface Outcome {
  readonly body: JsonObject | undefined;
  readonly applied: readonly EnvoyPatch[];
}

export interface Patching extends Subject {
  readonly type: Patchable;
}

/** A resource as its patches make it; `undefined` if they remove it. */
export function patched(
  translated: Translated,
  all: readonly EnvoyPatch[],
  subject: Patching,
): Translated | undefined {
  const patches = relevant(all, subject);
  if (patches.length === 0) return translated;
  const plain = encodeBody(subject.type, translated.body);
  const base = jsonOf(MESSAGES[subject.type], plain);
  const made = (wanted: readonly EnvoyPatch[]): Translated | undefined =>
    finished(translated, applied(base, wanted, subject), subject);
  const isGood = (one: Translated | undefined): boolean =>
    one?.bytes === undefined || !subject.mesh.isRefused(contentVersion(one.bytes));
  const whole = made(patches);
  // What is refused without any patch is refused for other reasons.
  if (isGood(whole) || subject.mesh.isRefused(contentVersion(plain))) return whole;
  const kept: EnvoyPatch[] = [];
  for (const patch of patches) if (isGood(made([...kept, patch]))) kept.push(patch);
  const omitted = patches.filter((patch) => !kept.includes(patch));
  const left = made(kept);
  return left && { ...left, patches: { applied: left.patches?.applied ?? [], omitted } };
}

function relevant(patches: readonly EnvoyPatch[], subject: Patching): readonly EnvoyPatch[] {
  const levels: readonly PatchSubject[] = LEVELS[subject.type];
  return patches
    .filter((patch) => levels.includes(patch.subject) && isFor(patch, subject.view, subject.role))
    .toSorted((a, b) => levels.indexOf(a.subject) - levels.indexOf(b.subject));
}

function applied(base: JsonObject, patches: readonly EnvoyPatch[], subject: Patching): Outcome {
  let body: JsonObject | undefined = base;
  const done: EnvoyPatch[] = [];
  for (const patch of patches) {
    if (body === undefined) break;
    const next: JsonObject | undefined = CHANGES[subject.type](body, patch, subject);
    if (next !== body) done.push(patch);
    body = next;
  }
  return { body, applied: done };
}

function finished(
  translated: Translated,
  { body, applied: patches }: Outcome,
  { type, name }: Patching,
): Translated | undefined {
  if (body === undefined) return undefined;
  if (patches.length === 0) return translated;
  // Resources are found by their names: they are not for users to change.
  const named = { ...body, name };
  const { assignment } = translated;
  return {
    name,
    body: named,
    bytes: bytesOf(MESSAGES[type], named),
    clusters: clustersNamed(type, named),
    ...(assignment !== undefined && { assignment }),
    patches: { applied: patches, omitted: [] },
  };
}
