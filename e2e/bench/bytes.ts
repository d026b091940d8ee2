/**
 * What a proxy is sent when it connects, in bytes, by type and by field: `node e2e/bench/bytes.ts
 * [SERVICES] [mtls] [fields]`. The world of the scale benchmark, with endpoints outside the mesh, or with
 * `mtls` inside it; `fields` adds every field that is more than a hundredth of its type.
 */
import { performance } from "node:perf_hooks";
import type { KubeObject } from "../../src/api/object.ts";
import { createMeshModel } from "../../src/model/dataflow.ts";
import { translatedFor } from "../../src/testing/configuration.ts";
import { applyAll, SETTINGS } from "../../src/testing/fixtures.ts";
import { encode, encodeBody } from "../../src/xds/encode.ts";
import type { ResourceType } from "../../src/xds/resource.ts";
import type { ProxyView } from "../../src/xds/view.ts";
import { type Row, table } from "./report.ts";
import { addFieldBytes, type Paths } from "./scale/field-bytes.ts";
import * as world from "./scale/world.ts";

const words = process.argv.slice(2);
const services = Number(words.find((word) => /^\d+$/.test(word)) ?? 1_000);
const SIZE: world.Size = {
  services,
  routed: Math.floor(services / 4),
  endpoints: 5,
  proxies: 1,
  mtls: words.includes("mtls"),
};

const VIEW: ProxyView = {
  kind: "sidecar",
  namespace: "world-0",
  workload: "world-0/proxy-0",
  serviceAccount: "default",
  labels: { app: "load" },
};

const every = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** With the address that an API server gives it. */
function service(index: number) {
  const made = world.service(index);
  const clusterIP = `10.96.${index >> 8}.${index & 255}`;
  const spec = { ...(made["spec"] as object), clusterIP, clusterIPs: [clusterIP] };
  return { ...made, spec };
}

/** With the addresses that a kubelet gives them. */
const pods = (index: number): readonly KubeObject[] =>
  world.serverPods(index, SIZE).map((pod, i) => {
    const ip = world.addressesOf(world.endpointSlice(index, SIZE))[i] ?? "";
    return { ...pod, status: { podIP: ip, podIPs: [{ ip }] } };
  });

const endpoints = (index: number): readonly KubeObject[] => [
  ...(SIZE.mtls ? pods(index) : []),
  world.endpointSlice(index, SIZE),
];

function makeModel() {
  const model = createMeshModel(SETTINGS);
  applyAll(model, [
    ...every(services, service),
    ...every(services, endpoints).flat(),
    ...every(SIZE.routed, world.destinationRule),
    ...every(SIZE.routed, (index) => world.virtualService(index, "0")),
  ]);
  return model;
}

const model = makeModel();
const start = performance.now();
const translated = translatedFor(model.mesh(model.engine), VIEW);
const took = performance.now() - start;
const byType = Map.groupBy(translated, ({ type }) => type);

function typeRow(type: ResourceType, all: typeof translated): { row: Row; bytes: number } {
  const sizes = all.map((one) => encode(type, one).bytes.length);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return {
    row: [type, String(all.length), thousands(bytes), (bytes / all.length).toFixed(0)],
    bytes,
  };
}

const thousands = (bytes: number): string => (bytes / 1000).toFixed(1);

function fieldRows(type: ResourceType, all: typeof translated, total: number): readonly Row[] {
  const paths: Paths = new Map();
  for (const { body } of all)
    addFieldBytes(paths, body, (message) => encodeBody(type, message).length);
  return [...paths]
    .filter(([, bytes]) => bytes > total / 100)
    .map(([path, bytes]) => [
      `${type}${path}`,
      thousands(bytes),
      `${((100 * bytes) / total).toFixed(0)} %`,
    ]);
}

const types = [...byType].map(([type, all]) => ({ type, all, ...typeRow(type, all) }));
const total = types.reduce((sum, { bytes }) => sum + bytes, 0);
const lines = [
  table(
    ["type", "resources", "kB", "bytes each"],
    types.map(({ row }) => row),
  ),
  `in all ${(total / 1e6).toFixed(2)} MB; translated in ${took.toFixed(0)} ms`,
];
if (words.includes("fields"))
  for (const { type, all, bytes } of types)
    lines.push("", table(["field", "kB", "of the type"], fieldRows(type, all, bytes)));
process.stdout.write(`${lines.join("\n")}\n`);
