/** Conditions of a status, as the API conventions of Kubernetes have them. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  /** CamelCase, for programs. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export type NewCondition = Omit<Condition, "lastTransitionTime">;

/** The conditions as they are now; one that did not change its status keeps its time. */
export function mergeConditions(
  previous: readonly Condition[],
  next: readonly NewCondition[],
  now: Date,
): readonly Condition[] {
  const before = new Map(previous.map((condition) => [condition.type, condition]));
  return next.map((condition) => {
    const known = before.get(condition.type);
    const lastTransitionTime =
      known?.status === condition.status
        ? known.lastTransitionTime
        : `${now.toISOString().slice(0, 19)}Z`;
    return { ...condition, lastTransitionTime };
  });
}

export const conditionOf = (
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined => conditions?.find((condition) => condition.type === type);

export const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditionOf(conditions, type)?.status === "True";
