import { not, type Row } from "./row.ts";

export const workload: readonly Row[] = [
  not("WE-01", "not yet"),
  not("WE-02", "not yet"),
  not("WE-03", "not yet"),
  not("WE-04", "not yet"),
  not("WE-05", "not yet"),
  not("WE-06", "not yet"),
  not("WE-07", "not yet"),
  not("WE-08", "not yet"),
  not("WE-09", "not yet"),
  not("WE-10", "not yet"),
  not("WE-11", "not yet"),
];
