/** The process's Prometheus registry; `main/` serves it and adds what Node itself can tell. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

export const registry = new Registry();

/** Names start with `meshwright_` and end in their unit or `_total`, as Prometheus asks. */
type Name = `meshwright_${string}`;

export const counter = <L extends string>(
  name: Name,
  help: string,
  labelNames: readonly L[] = [],
): Counter<L> => new Counter({ name, help, labelNames, registers: [registry] });

export const gauge = <L extends string>(
  name: Name,
  help: string,
  labelNames: readonly L[] = [],
): Gauge<L> => new Gauge({ name, help, labelNames, registers: [registry] });

export const histogram = <L extends string>(
  name: Name,
  help: string,
  { labelNames = [], buckets }: { labelNames?: readonly L[]; buckets: readonly number[] },
): Histogram<L> =>
  new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [registry] });
