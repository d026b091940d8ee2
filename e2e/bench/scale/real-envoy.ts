/** What the configuration and its changes cost one real Envoy. */
import type { ProxySync } from "../../../src/ads/sync-state.ts";
import { waitFor } from "../../harness/wait.ts";
import { ProjectedVolume, startProxy, volumeFiles } from "../../integration/bootstrap-proxy.ts";
import { podNetwork } from "../../integration/pod-network.ts";
import { median } from "../report.ts";
import { Bed, PORTS } from "./bed.ts";
import { type Change, changesOf } from "./changes.ts";
import { calm, ROUNDS } from "./figures.ts";
import { cpuSeconds, residentBytes } from "./process.ts";
import type { Size } from "./world.ts";

export interface EnvoyCosts {
  readonly title: string;
  /** From the change of the object until Envoy has accepted all that follows from it. */
  readonly tookMs: number;
  readonly cpuMs: number;
  /** Of resident memory over all rounds. */
  readonly growthBytes: number;
}

export interface EnvoyFigures {
  readonly configured: {
    readonly seconds: number;
    readonly cpuSeconds: number;
    /** Resident. */
    readonly bytes: number;
  };
  readonly changes: readonly EnvoyCosts[];
}

/** What is to be undone, the last first. */
class Undo {
  readonly #steps: (() => unknown)[] = [];

  after(step: () => unknown): void {
    this.#steps.push(step);
  }

  async all(): Promise<void> {
    for (const step of this.#steps.toReversed()) await step();
  }
}

export async function measureEnvoy(size: Size): Promise<EnvoyFigures> {
  const undo = new Undo();
  try {
    const network = await podNetwork(undo);
    const bed = await Bed.make(size, network.outside);
    undo.after(() => bed.stop());
    await bed.startControlPlane(undefined);
    await bed.statusesWritten(2 * size.routed);
    const { token, root } = await bed.credentials(0);
    const volume = await ProjectedVolume.create(undo, volumeFiles(token, root));
    const start = performance.now();
    const { child } = await startProxy({ network, volume, xdsPort: PORTS.xds, probes: [] });
    const pid = child.pid ?? 0;
    await inSync(bed, (types) => types.VirtualHost !== undefined);
    const seconds = (performance.now() - start) / 1000;
    await calm(pid);
    const configured = { seconds, cpuSeconds: cpuSeconds(pid), bytes: residentBytes(pid) };
    const changes: EnvoyCosts[] = [];
    for (const change of changesOf(size)) changes.push(await costsOf(bed, pid, change));
    return { configured, changes };
  } finally {
    await undo.all();
  }
}

type Types = ProxySync["types"];

/** Until the proxy has accepted all that it should have, and `holds` is true of it. */
async function inSync(bed: Bed, holds: (types: Types) => boolean): Promise<Types> {
  return waitFor(
    { description: "Envoy that has all it should have", deadlineMs: 120_000, intervalMs: 5 },
    async () => {
      const [{ types } = { types: undefined }] = await bed.syncs();
      if (types === undefined || !holds(types)) return undefined;
      return Object.values(types).every(({ synced }) => synced) ? types : undefined;
    },
  );
}

async function costsOf(bed: Bed, pid: number, { title, type, make }: Change): Promise<EnvoyCosts> {
  const before = residentBytes(pid);
  const rounds: { readonly tookMs: number; readonly cpuMs: number }[] = [];
  for (let i = 1; i <= ROUNDS; i += 1) {
    const sent = (await inSync(bed, () => true))[type]?.sent;
    const [cpu, start] = [cpuSeconds(pid), performance.now()];
    await bed.apply(make(i).object);
    await inSync(bed, (types) => types[type]?.sent !== sent);
    const tookMs = performance.now() - start;
    await calm(pid);
    rounds.push({ tookMs, cpuMs: (cpuSeconds(pid) - cpu) * 1000 });
  }
  const warm = rounds.slice(1);
  return {
    title,
    tookMs: median(warm.map(({ tookMs }) => tookMs)),
    cpuMs: median(warm.map(({ cpuMs }) => cpuMs)),
    growthBytes: residentBytes(pid) - before,
  };
}
