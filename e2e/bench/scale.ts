/**
 * `make bench-scale`: the control plane against many proxies and a large world, on a real API
 * server. `node e2e/bench/scale.ts [SERVICES] [PROXIES]`; PROFILE=directory writes a CPU profile.
 */
import { performance } from "node:perf_hooks";
import type { KubeObject } from "../../src/api/object.ts";
import { say } from "../cluster/say.ts";
import { mebibytes, median, ms, type Row, seconds, table } from "./report.ts";
import { Bed } from "./scale/bed.ts";
import { cpuSeconds, peakBytes } from "./scale/process.ts";
import * as world from "./scale/world.ts";

const [services = 1_000, proxies = 500] = process.argv.slice(2).map(Number);
const SIZE: world.Size = { services, routed: services / 4, endpoints: 5, proxies };
/** The first is reported apart: it warms what the others find warm. */
const CHANGES = 11;
/** The kernel counts CPU time in hundredths, so that of one change is a share of all of them. */
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

interface Change {
  readonly title: string;
  readonly type: "VirtualHost" | "ClusterLoadAssignment" | "Cluster";
  /** The object to apply in round `i`, and what to look for in what proxies get. */
  readonly make: (i: number) => { readonly object: KubeObject; readonly text: string };
}

const CHANGED = 4;

const changes: readonly Change[] = [
  {
    title: "one VirtualService changed",
    type: "VirtualHost",
    make: (i) => ({ object: world.virtualService(CHANGED, `mark-${i}-`), text: `mark-${i}-` }),
  },
  {
    title: "one endpoint changed",
    type: "ClusterLoadAssignment",
    make: (i) => {
      const object = world.endpointSlice(CHANGED, SIZE.endpoints, 1 + (i % 2));
      const { endpoints } = object as unknown as {
        readonly endpoints: readonly { readonly addresses: readonly string[] }[];
      };
      return { object, text: endpoints.at(-1)?.addresses[0] ?? "" };
    },
  },
  {
    title: "one Service added",
    type: "Cluster",
    make: (i) => ({
      object: world.service(services + i * world.NAMESPACES.length),
      text: `outbound|80||${world.serviceName(services + i * world.NAMESPACES.length)}.`,
    }),
  },
];

async function measure(bed: Bed, { title, type, make }: Change): Promise<Row> {
  const firsts: number[] = [];
  const middles: number[] = [];
  const lasts: number[] = [];
  const cpuBefore = cpuSeconds(bed.controlPlanePid);
  const bytesBefore = median(await bed.receivedBytes());
  for (let i = 1; i <= CHANGES; i += 1) {
    const { object, text } = make(i);
    bed.expect(type, text);
    const start = performance.timeOrigin + performance.now();
    await bed.apply(object);
    const { atMs } = await bed.next("arrived");
    firsts.push(Math.min(...atMs) - start);
    middles.push(median(atMs) - start);
    lasts.push(Math.max(...atMs) - start);
  }
  const cpu = (cpuSeconds(bed.controlPlanePid) - cpuBefore) / CHANGES;
  const bytes = (median(await bed.receivedBytes()) - bytesBefore) / CHANGES;
  return [
    title,
    ms(median(firsts.slice(1))),
    ms(median(middles.slice(1))),
    ms(median(lasts.slice(1))),
    ms(lasts[0] ?? Number.NaN),
    `${(cpu * 1000).toFixed(0)} ms`,
    kilobytes(bytes),
  ];
}

say(`making a world of ${services} services and ${SIZE.routed} VirtualServices`);
const bed = await Bed.make(SIZE);
try {
  await bed.startControlPlane(process.env["PROFILE"]);
  const cpuReady = cpuSeconds(bed.controlPlanePid);
  say(`control plane ready with ${seconds(cpuReady)} of CPU; opening ${proxies} proxies`);
  const configured = await bed.openProxies(proxies);
  const cpu = cpuSeconds(bed.controlPlanePid) - cpuReady;
  const rows: Row[] = [];
  for (const change of changes) rows.push(await measure(bed, change));
  process.stdout.write(
    [
      "",
      `${services} services × 2 ports × ${SIZE.endpoints} endpoints, ${SIZE.routed} VirtualServices and DestinationRules, ${proxies} proxies`,
      `all configured after ${seconds(configured.seconds)}, ${seconds(cpu)} of CPU, ${kilobytes(median(configured.bytes))} per proxy`,
      `peak memory of the control plane ${mebibytes(peakBytes(bed.controlPlanePid))}`,
      "",
      table(["change", "first", "median", "last", "last, 1st time", "CPU", "per proxy"], rows),
      "",
    ].join("\n"),
  );
} finally {
  await bed.stop();
}
