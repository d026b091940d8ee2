/**
 * Selectors by label, so that a workload finds what selects it without trying every selector: each
 * selector is filed under one of its labels, and a workload looks under each of its own.
 */
type Labels = Readonly<Record<string, string>>;

const ANYTHING = "";

/** Where a selector is filed. */
export function selectorBucket(selector: Labels): string {
  const [first] = Object.keys(selector).sort();
  return first === undefined ? ANYTHING : `${first}=${selector[first]}`;
}

/** Where the selectors that may match these labels are filed. */
export function labelBuckets(labels: Labels): readonly string[] {
  return [ANYTHING, ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)];
}

export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
