import { not, type Row } from "./row.ts";

export const proxyConfig: readonly Row[] = [
  not("MP-03", "not yet"),
  not("MP-11", "not yet"),
  not("MP-18", "not yet"),
  not("MP-19", "not yet"),
  not("MP-20", "not yet"),
  not("MP-27", "not yet"),
  not("MP-28", "not yet"),
  not("MP-29", "not yet"),
  not("MP-30", "not yet"),
  not("MP-31", "not yet"),
  not("MP-33", "not yet"),
  not("MP-34", "not yet"),
  not("MP-37", "not yet"),
  not("MP-38", "not yet"),
  not("MP-39", "not yet"),
  not("MP-40", "not yet"),
  not("MP-41", "not yet"),
  not("MP-42", "not yet"),
  not("MP-43", "not yet"),
  not("MP-44", "not yet"),
  not("MP-45", "not yet"),
  not("MP-46", "not yet"),
];

/** Rows about injection, telemetry, certificates and the bootstrap: traffic goes the same way. */
export const proxyConfigElsewhere: readonly string[] = [
  "MP-01",
  "MP-02",
  ...numbered(4, 10),
  ...numbered(12, 17),
  ...numbered(21, 26),
  "MP-32",
  "MP-35",
  "MP-36",
];

function numbered(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `MP-${String(from + i).padStart(2, "0")}`);
}
