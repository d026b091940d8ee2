/**
 * `make bench-scale`: the control plane against many proxies and a large world, on a real API
 * server. docs/performance.md tells the options.
 */
import { parseArgs } from "node:util";
import { say } from "../cluster/say.ts";
import { fixedWorkMs } from "./fixed-work.ts";
import { kilobytes, mebibytes, ms, type Row, seconds, table } from "./report.ts";
import { type Costs, type Figures, measure } from "./scale/figures.ts";
import { type EnvoyFigures, measureEnvoy } from "./scale/real-envoy.ts";
import type { Size } from "./scale/world.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Endpoints have sidecars and take mutual TLS. */
    mtls: { type: "boolean", default: false },
    /** Measure 1×, 2× and 4× the services, then the proxies. */
    growth: { type: "boolean", default: false },
    /** Measure what changes cost a real Envoy, with no other proxy connected. */
    envoy: { type: "boolean", default: false },
    /** Directory for CPU profiles of the control plane. */
    profile: { type: "string" },
  },
});
const { mtls, growth, envoy, profile } = options;
const [services = growth ? 250 : 1_000, proxies = growth ? 50 : 500] = positionals.map(Number);

const sized = (factors: { services?: number; proxies?: number } = {}): Size => {
  const count = services * (factors.services ?? 1);
  return {
    services: count,
    routed: Math.floor(count / 4),
    endpoints: 5,
    proxies: envoy ? 1 : proxies * (factors.proxies ?? 1),
    mtls,
  };
};

const describe = ({ services: count, endpoints, routed, mtls: withTls }: Size): string =>
  `${count} services × 2 ports × ${endpoints} endpoints${withTls ? " with mutual TLS" : ""}, ${routed} VirtualServices and DestinationRules`;

const COLUMNS = ["first", "median", "last", "last, 1st time", "CPU", "with status", "per proxy"];

const costs = ({ firstMs, medianMs, lastMs, coldMs, cpuMs, allCpuMs, bytes }: Costs): Row => [
  ms(firstMs),
  ms(medianMs),
  ms(lastMs),
  ms(coldMs),
  ms(cpuMs),
  ms(allCpuMs),
  kilobytes(bytes),
];

function report(size: Size, { ready, configured, changes, peak }: Figures): string {
  const { firstMs, medianMs, lastMs, cpuSeconds, loadCpuSeconds, bytes } = configured;
  return [
    "",
    `${describe(size)}, ${size.proxies} proxies`,
    `control plane ready after ${seconds(ready.cpuSeconds)} of CPU; ${ready.statuses} statuses written with ${seconds(ready.statusCpuSeconds)} more`,
    `first proxy configured after ${seconds(firstMs / 1000)}, median ${seconds(medianMs / 1000)}, all after ${seconds(lastMs / 1000)}, with ${seconds(cpuSeconds)} of CPU (and ${seconds(loadCpuSeconds)} of the load generator), ${kilobytes(bytes)} per proxy`,
    `memory of the control plane: ${mebibytes(peak.readyBytes)} before, ${mebibytes(peak.configuredBytes)} after the proxies came, peak ${mebibytes(peak.bytes)}`,
    "",
    table(
      ["change", ...COLUMNS],
      changes.map((one) => [one.title, ...costs(one)]),
    ),
    "",
  ].join("\n");
}

function reportEnvoy(size: Size, { configured, changes }: EnvoyFigures): string {
  return [
    "",
    `${describe(size)}, one Envoy`,
    `configured after ${seconds(configured.seconds)} with ${seconds(configured.cpuSeconds)} of its CPU; ${mebibytes(configured.bytes)} resident`,
    "",
    table(
      ["change", "until it has it", "CPU of Envoy", "memory after ten"],
      changes.map(({ title, tookMs, cpuMs, growthBytes }) => [
        title,
        ms(tookMs),
        ms(cpuMs),
        `${growthBytes < 0 ? "−" : "+"}${mebibytes(Math.abs(growthBytes))}`,
      ]),
    ),
    "",
  ].join("\n");
}

async function grown(): Promise<void> {
  const sizes = [
    ...[1, 2, 4].map((factor) => sized({ services: factor })),
    ...[2, 4].map((factor) => sized({ proxies: factor })),
  ];
  const rows: Row[] = [];
  for (const size of sizes) {
    say(`${size.services} services, ${size.proxies} proxies`);
    const { configured, changes, peak } = await measure(size, {});
    rows.push([
      String(size.services),
      String(size.proxies),
      `${seconds(configured.lastMs / 1000)}, ${seconds(configured.cpuSeconds)} CPU`,
      mebibytes(peak.bytes),
      ...changes.map(
        ({ lastMs, cpuMs, bytes }) => `${ms(lastMs)}, ${ms(cpuMs)}, ${kilobytes(bytes)}`,
      ),
    ]);
  }
  const titles = ["VirtualService changed", "endpoint changed", "Service added"];
  process.stdout.write(
    `\nof a change: last proxy, CPU of the control plane, bytes per proxy\n\n${table(["services", "proxies", "all configured", "peak", ...titles], rows)}\n`,
  );
}

say(`fixed work takes ${ms(fixedWorkMs())} of CPU on this machine just now`);
if (growth) await grown();
else if (envoy) process.stdout.write(reportEnvoy(sized(), await measureEnvoy(sized())));
else {
  say(`making a world of ${describe(sized())}`);
  process.stdout.write(report(sized(), await measure(sized(), { profile })));
}
