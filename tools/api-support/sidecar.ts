import { not, type Row } from "./row.ts";

export const sidecar: readonly Row[] = [
  not("SC-01", "not yet"),
  not("SC-02", "not yet"),
  not("SC-03", "not yet"),
  not("SC-04", "not yet"),
  not("SC-05", "not yet"),
  not("SC-06", "not yet"),
  not("SC-07", "not yet"),
  not("SC-08", "not yet"),
  not("SC-09", "not yet"),
  not("SC-10", "not yet"),
  not("SC-11", "not yet"),
  not("SC-12", "not yet"),
  not("SC-13", "not yet"),
  not("SC-14", "not yet"),
];
