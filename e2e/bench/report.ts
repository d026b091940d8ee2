/** Figures as the benchmarks print them, and as docs/performance.md takes them over. */

/** The value below which `share` (0–1) of the values lie; the values need not be sorted. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("a percentile of no values");
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1);
  return sorted[Math.max(0, index)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export type Row = readonly string[];

/** A table in Markdown, so that it can be read at a terminal and pasted into a page. */
export function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)),
  );
  const line = (cells: Row): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

const digits = (value: number): number => (value < 10 ? 2 : value < 100 ? 1 : 0);
export const ms = (value: number): string => `${value.toFixed(digits(value))} ms`;
export const seconds = (value: number): string => `${value.toFixed(digits(value))} s`;
export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
export const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

/** A figure that is to be at most so much. */
export interface Goal {
  readonly what: string;
  readonly measured: number;
  readonly most: number;
  readonly show: (value: number) => string;
}

/** What one part of a benchmark has to say. */
export interface Findings {
  /** A paragraph for docs/performance.md. */
  readonly text: string;
  readonly goals: readonly Goal[];
}

/** "goal 1.00 s: met", or by how much it was missed. */
export function verdict({ measured, most, show }: Goal): string {
  const goal = `goal ${show(most)}`;
  return measured <= most
    ? `${goal}: met`
    : `${goal}: MISSED by ${(100 * (measured / most - 1)).toFixed(0)} %`;
}

/** All goals beside what was measured. */
export const goalTable = (goals: readonly Goal[]): string =>
  table(
    ["figure", "measured", "goal"],
    goals.map((goal) => [goal.what, goal.show(goal.measured), verdict(goal)]),
  );
