/** What is in any of the lists, each of them sorted, once and sorted. */
export function union(lists: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...others] = lists.filter((list) => list.length > 0);
  return others.reduce(merge, first);
}

function merge(a: readonly string[], b: readonly string[]): readonly string[] {
  const [few, many] = a.length < b.length ? [a, b] : [b, a];
  const merged: string[] = [];
  let from = 0;
  for (const one of few) {
    const at = position(many, one, from);
    for (; from < at; from += 1) merged.push(many[from] ?? "");
    if (many[at] !== one) merged.push(one);
  }
  return merged.concat(many.slice(from));
}

/** Of the first that does not come before `one`. */
function position(sorted: readonly string[], one: string, from: number): number {
  let [low, high] = [from, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") < one) low = middle + 1;
    else high = middle;
  }
  return low;
}
