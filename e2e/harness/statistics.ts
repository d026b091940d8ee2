/** Of how many standard deviations a test allows a share to be off: 1 false alarm in 150,000. */
const SIGMAS = 4.5;

/** How far a count may be from its expectation when each of `total` is counted with probability `share`. */
export function tolerance(total: number, share: number): number {
  return SIGMAS * Math.sqrt(total * share * (1 - share));
}

/** Whether `observed` of `total` agrees with `share`; 0 and 1 leave no room at all. */
export function agrees(observed: number, total: number, share: number): boolean {
  return Math.abs(observed - total * share) <= tolerance(total, share);
}

/** How often each value occurs, most frequent first. */
export function tally<T extends string | number>(values: readonly T[]): ReadonlyMap<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return new Map([...counts].sort(([, a], [, b]) => b - a));
}

/** `p` (0..1) of the values lie at or below what this returns. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? Number.NaN;
}
