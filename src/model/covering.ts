/** Looking a host up under its own name and under every wildcard that covers it. */
import type { Context, Engine, Source } from "../store/engine.ts";
import { patternsFor } from "./host.ts";

/** Of the patterns that cover a host, those with members in an index, most specific first. */
export type Covering = (cx: Context, host: string) => readonly string[];

/** Wildcards are looked up once for all hosts below them: mostly there are none. */
export function coveringQuery(
  engine: Engine,
  index: Source<[string], readonly string[]>,
): Covering {
  const hasAny = (cx: Context, pattern: string): boolean => cx.get(index, pattern).length > 0;
  const wildcards = engine.query((cx, lowest: string): readonly string[] =>
    patternsFor(lowest).filter((pattern) => hasAny(cx, pattern)),
  );
  return (cx, host) => {
    const [own = host, above] = patternsFor(host);
    const wide = above === undefined ? [] : cx.get(wildcards, above);
    return hasAny(cx, own) ? [own, ...wide] : wide;
  };
}
