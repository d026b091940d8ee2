/** `node --expose-gc e2e/bench/engine/run.ts`: the figures of docs/adr/0001-incremental-engine.md. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { eagerWorld, lazyWorld } from "./engines.ts";
import { endpoints, ROUTES, routes, SERVICES, service, type World } from "./world.ts";

const RUNS = 300;
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});

function heapMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

function cpuMs(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

function fill(world: World): void {
  world.batch(() => {
    for (let i = 0; i < SERVICES; i += 1) {
      world.setService(i, service(i));
      world.setEndpoints(i, endpoints(i));
      if (i < ROUTES) world.setRoutes(i, routes(i));
    }
  });
}

/** Mean over many edits, for one takes less than the clock can tell. */
function perEdit(world: World, edit: (run: number) => void): string {
  const total = cpuMs(() => {
    for (let run = 0; run < RUNS; run += 1) world.batch(() => edit(run));
  });
  return (total / RUNS).toFixed(3);
}

function measure(make: (namespaces: readonly string[]) => World, namespaces: readonly string[]) {
  const before = heapMb();
  const world = make(namespaces);
  const fillMs = cpuMs(() => fill(world));
  const memory = heapMb() - before;
  const row = {
    "build, ms": fillMs.toFixed(0),
    "heap, MB": memory.toFixed(1),
    "routes edited, ms": perEdit(world, (run) =>
      world.setRoutes(run % ROUTES, routes(run % ROUTES, run)),
    ),
    "endpoint edited, ms": perEdit(world, (run) =>
      world.setEndpoints(run, endpoints(run, run + 1)),
    ),
    "service added and removed, ms": perEdit(world, (run) =>
      world.setService(SERVICES, run % 2 === 0 ? service(SERVICES) : undefined),
    ),
  };
  return { world, row };
}

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `ns-${i}`);

/** Namespaces with proxies, and namespaces in all. */
const table: Record<string, unknown> = {};
for (const [proxied, all] of [
  [4, 4],
  [4, 40],
] as const) {
  const lazy = measure(lazyWorld, names(proxied));
  table[`lazy, ${proxied} of ${all} namespaces`] = lazy.row;
  const eager = measure(eagerWorld, names(all));
  table[`eager, ${all} namespaces`] = eager.row;
  const wanted = eager.world.dump();
  for (const [id, value] of lazy.world.dump()) assert.deepEqual(value, wanted.get(id), id);
}
process.stdout.write(`${inspect(table)}\n`);
