/** Users' objects with something in them that no schema allows. */
import fc from "fast-check";
import type { KubeObject } from "../api/object.ts";
import { anyObject } from "./edits.ts";

/** Replaces one value somewhere in an object's spec by something of another kind. */
function damage(object: KubeObject, path: readonly number[], junk: unknown): KubeObject {
  const copy = structuredClone(object);
  let at: unknown = copy.spec;
  for (const step of path) {
    if (typeof at !== "object" || at === null) break;
    const keys = Object.keys(at);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) break;
    const next: unknown = Reflect.get(at, key);
    if (typeof next !== "object" || next === null || step % 5 === 0) {
      Reflect.set(at, key, junk);
      break;
    }
    at = next;
  }
  return copy;
}

/** The API server drops them before anybody sees the object. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, one: unknown) => one ?? undefined);

const junk = fc.oneof(
  fc.constantFrom<unknown>(undefined, -1, 2 ** 53, Number.MAX_VALUE, 0.5, true, "", [], {}, [
    undefined,
  ]),
  fc.constantFrom<unknown>("\u0000", "\ud800", "a\nb", "%", "*", "..", "(", "x".repeat(70_000)),
  fc.string({ unit: "binary" }),
  fc.jsonValue({ maxDepth: 2 }).map(withoutNulls),
);

/** @param kinds that may be damaged: those that no code of Kubernetes itself checks */
export const damaged = (kinds: readonly string[]): fc.Arbitrary<KubeObject> =>
  fc
    .tuple(
      anyObject.filter(({ kind }) => kinds.includes(kind)),
      fc.array(fc.nat(50), { minLength: 1, maxLength: 8 }),
      junk,
    )
    .map(([object, path, value]) => damage(object, path, value));

export const USER_KINDS = [
  "VirtualService",
  "DestinationRule",
  "Gateway",
  "Sidecar",
  "ServiceEntry",
  "WorkloadEntry",
  "EnvoyFilter",
];

/** Somebody whom none of it concerns. */
export const WITNESS = `
kind: Service
metadata: {name: witness, namespace: calm}
spec: {clusterIP: 10.0.0.9, ports: [{name: http, port: 8080}]}
---
kind: VirtualService
metadata: {name: witness, namespace: calm}
spec: {hosts: [witness], http: [{route: [{destination: {host: witness}}]}]}
`;
