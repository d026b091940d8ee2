import { not, type Row } from "./row.ts";

export const envoyFilter: readonly Row[] = [
  not("EF-01", "not yet"),
  not("EF-02", "not yet"),
  not("EF-03", "not yet"),
  not("EF-04", "not yet"),
  not("EF-05", "not yet"),
  not("EF-06", "not yet"),
  not("EF-07", "not yet"),
  not("EF-08", "not yet"),
  not("EF-09", "not yet"),
  not("EF-10", "not yet"),
  not("EF-11", "not yet"),
  not("EF-12", "not yet"),
  not("EF-13", "not yet"),
  not("EF-14", "not yet"),
  not("EF-15", "not yet"),
  not("EF-16", "not yet"),
  not("EF-17", "not yet"),
  not("EF-18", "not yet"),
  not("EF-19", "not yet"),
  not("EF-20", "not yet"),
];
