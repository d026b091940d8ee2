/** What the control plane costs with many proxies: ready, all configured, and change by change. */
import { setTimeout as delay } from "node:timers/promises";
import { say } from "../../cluster/say.ts";
import { median } from "../report.ts";
import { Bed } from "./bed.ts";
import { type Change, changesOf } from "./changes.ts";
import { cpuSeconds, peakBytes, residentBytes } from "./process.ts";
import type { Size } from "./world.ts";

/** The first is reported apart: it warms what the others find warm. */
export const ROUNDS = 11;
/** Longer than a status waits to be written. */
const STATUS_MS = 500;

export interface Costs {
  readonly title: string;
  /** Until the first, the median and the last proxy has it: medians of ten rounds. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly lastMs: number;
  /** Until the last proxy has it in the round before those. */
  readonly coldMs: number;
  /** Of the control plane until it rests after the last proxy has it. */
  readonly cpuMs: number;
  /** That, and what it does later: the object's status. */
  readonly allCpuMs: number;
  /** Received by each proxy. */
  readonly bytes: number;
}

export interface Figures {
  readonly ready: {
    readonly cpuSeconds: number;
    readonly statuses: number;
    readonly statusCpuSeconds: number;
  };
  readonly configured: {
    readonly firstMs: number;
    readonly medianMs: number;
    readonly lastMs: number;
    readonly cpuSeconds: number;
    /** Of the load generator, for the same. */
    readonly loadCpuSeconds: number;
    readonly bytes: number;
  };
  readonly changes: readonly Costs[];
  readonly peak: {
    readonly readyBytes: number;
    readonly configuredBytes: number;
    readonly bytes: number;
  };
}

export async function measure(
  size: Size,
  { profile }: { readonly profile?: string | undefined },
): Promise<Figures> {
  const bed = await Bed.make(size);
  try {
    await bed.startControlPlane(profile);
    const pid = bed.controlPlanePid;
    const readyCpu = cpuSeconds(pid);
    const statuses = await bed.statusesWritten(2 * size.routed);
    await calm(pid);
    const before = cpuSeconds(pid);
    const readyBytes = residentBytes(pid);
    say(`control plane ready with ${before.toFixed(1)} s of CPU; opening ${size.proxies} proxies`);
    const { atMs, bytes, cpuSeconds: loadCpuSeconds } = await bed.openProxies(size.proxies);
    await calm(pid);
    const configuredCpu = cpuSeconds(pid) - before;
    const configuredBytes = residentBytes(pid);
    const changes: Costs[] = [];
    for (const change of changesOf(size)) changes.push(await costsOf(bed, change));
    return {
      ready: { cpuSeconds: readyCpu, statuses, statusCpuSeconds: before - readyCpu },
      configured: {
        ...spread(atMs),
        cpuSeconds: configuredCpu,
        loadCpuSeconds,
        bytes: median(bytes),
      },
      changes,
      peak: { readyBytes, configuredBytes, bytes: peakBytes(pid) },
    };
  } finally {
    await bed.stop();
  }
}

const spread = (atMs: readonly number[], from = 0) => ({
  firstMs: Math.min(...atMs) - from,
  medianMs: median(atMs) - from,
  lastMs: Math.max(...atMs) - from,
});

interface Round extends ReturnType<typeof spread> {
  readonly cpuMs: number;
  readonly allCpuMs: number;
}

async function costsOf(bed: Bed, change: Change): Promise<Costs> {
  const bytesBefore = median(await bed.receivedBytes());
  const rounds: Round[] = [];
  for (let i = 1; i <= ROUNDS; i += 1) rounds.push(await round(bed, change, i));
  const [cold, ...warm] = rounds;
  const of = (figure: keyof Round): number => median(warm.map((one) => one[figure]));
  return {
    title: change.title,
    firstMs: of("firstMs"),
    medianMs: of("medianMs"),
    lastMs: of("lastMs"),
    coldMs: cold?.lastMs ?? Number.NaN,
    cpuMs: of("cpuMs"),
    allCpuMs: of("allCpuMs"),
    bytes: (median(await bed.receivedBytes()) - bytesBefore) / ROUNDS,
  };
}

async function round(bed: Bed, { type, make }: Change, i: number): Promise<Round> {
  const pid = bed.controlPlanePid;
  const { object, text } = make(i);
  bed.expect(type, text);
  const cpuBefore = cpuSeconds(pid);
  const start = performance.timeOrigin + performance.now();
  await bed.apply(object);
  const { atMs } = await bed.next("arrived");
  await calm(pid);
  const cpuMs = (cpuSeconds(pid) - cpuBefore) * 1000;
  await delay(STATUS_MS);
  await calm(pid);
  const allCpuMs = (cpuSeconds(pid) - cpuBefore) * 1000;
  return { ...spread(atMs, start), cpuMs, allCpuMs };
}

const WINDOW_MS = 20;
const RESTING_SHARE = 0.1;

/** Until the process rests. */
export async function calm(pid: number): Promise<void> {
  for (;;) {
    const [cpu, start] = [cpuSeconds(pid), performance.now()];
    await delay(WINDOW_MS);
    const tookMs = performance.now() - start;
    if ((cpuSeconds(pid) - cpu) * 1000 < RESTING_SHARE * tookMs) return;
  }
}
