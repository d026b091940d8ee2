import { type KubeObject, objectKey } from "../api/object.ts";
import type { Stage, StageName } from "./render.ts";

export type Step =
  | { readonly kind: "apply"; readonly stage: StageName; readonly object: KubeObject }
  /** The stage is as it should be; go on only when it also works. */
  | { readonly kind: "wait"; readonly stage: StageName }
  | { readonly kind: "delete"; readonly object: KubeObject };

/** What tells objects apart across kinds. */
export const identity = (object: KubeObject): string =>
  `${object.apiVersion} ${object.kind} ${objectKey(object)}`;

/**
 * What is left to do, in order: stage by stage apply and wait, and only then delete what is no
 * longer wanted. Pure: the one who performs it stops at the first wait that is not over.
 *
 * @param observed what the operator made for this mesh and still exists
 * @param inSync whether a live object is what was rendered
 */
export function plan(
  stages: readonly Stage[],
  observed: ReadonlyMap<string, KubeObject>,
  inSync: (live: KubeObject, wanted: KubeObject) => boolean,
): readonly Step[] {
  const wanted = new Set(stages.flatMap(({ objects }) => objects.map(identity)));
  const toward = stages.flatMap(({ name, objects }): Step[] => [
    ...objects
      .filter((object) => {
        const live = observed.get(identity(object));
        return live === undefined || !inSync(live, object);
      })
      .map((object): Step => ({ kind: "apply", stage: name, object })),
    { kind: "wait", stage: name },
  ]);
  const away = [...observed]
    .filter(([name]) => !wanted.has(name))
    .map(([, object]): Step => ({ kind: "delete", object }));
  return [...toward, ...away];
}
