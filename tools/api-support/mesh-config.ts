import { golden, not, partly, type Row, test, works } from "./row.ts";

export const meshConfig: readonly Row[] = [
  not("MC-01", "not yet"),
  not("MC-02", "not yet"),
  not("MC-03", "not yet"),
  works("MC-04", golden("full-routing", "connectTimeout: 10s")),
  not("MC-05", "not yet"),
  not("MC-06", "not yet"),
  not("MC-07", "not yet"),
  not("MC-08", "not yet"),
  not("MC-14", "not yet"),
  not("MC-15", "not yet"),
  not("MC-16", "not yet"),
  not("MC-17", "not yet"),
  works("MC-18", golden("full-routing", "name: tlsMode-istio")),
  not("MC-21", "not yet"),
  works("MC-22", golden("visibility", "connectTimeout: 3s")),
  partly(
    "MC-23",
    "localityLbSetting; zoneAwareLbSetting does not, for the reason that DR-24 has",
    test("src/xds/locality.test.ts", "a rule says where requests go"),
  ),
  not("MC-24", "not yet"),
  not("MC-25", "not yet"),
  not("MC-26", "not yet"),
  not("MC-27", "not yet"),
  not("MC-28", "not yet"),
  not("MC-29", "not yet"),
  not("MC-50", "not yet"),
  not("MC-52", "not yet"),
  not("MC-53", "not yet"),
  not("MC-54", "not yet"),
  not("MC-55", "not yet"),
  not("MC-56", "not yet"),
  not("MC-57", "not yet"),
  not("MC-58", "not yet"),
];

/** Rows about telemetry, security and the control plane itself: no traffic goes another way by them. */
export const meshConfigElsewhere: readonly string[] = [
  ...numbered(9, 13),
  ...numbered(19, 20),
  ...numbered(30, 49),
  "MC-51",
];

function numbered(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `MC-${String(from + i).padStart(2, "0")}`);
}
