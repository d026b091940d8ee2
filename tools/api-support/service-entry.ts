import { not, type Row } from "./row.ts";

export const serviceEntry: readonly Row[] = [
  not("SE-01", "not yet"),
  not("SE-02", "not yet"),
  not("SE-03", "not yet"),
  not("SE-04", "not yet"),
  not("SE-05", "not yet"),
  not("SE-06", "not yet"),
  not("SE-07", "not yet"),
  not("SE-08", "not yet"),
  not("SE-09", "not yet"),
  not("SE-10", "not yet"),
  not("SE-11", "not yet"),
  not("SE-12", "not yet"),
  not("SE-13", "not yet"),
  not("SE-14", "not yet"),
  not("SE-15", "not yet"),
  not("SE-16", "not yet"),
];
