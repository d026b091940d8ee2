/**
 * Whether two values of plain data (objects, arrays, primitives) are the same. Values of the engine
 * share structure, so most comparisons end at `===`. A field that is `undefined` is one that is
 * absent; maps and sets equal themselves alone.
 */
export function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (a instanceof Map || a instanceof Set) return false;
  return Array.isArray(a) && Array.isArray(b)
    ? equalArrays(a, b)
    : covers(a, b) && covers(b, a, true);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function equalArrays(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => equal(value, b[i]));
}

/** Whether every field of `a` is in `b`, with an equal value unless only presence is asked for. */
function covers(a: object, b: object, presence = false): boolean {
  for (const key in a) {
    const value: unknown = Reflect.get(a, key);
    const other: unknown = Reflect.get(b, key);
    if (presence ? value !== undefined && other === undefined : !equal(value, other)) return false;
  }
  return true;
}
