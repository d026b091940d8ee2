/** Envoy's API as descriptors, read out of the Go module of the same version: it embeds them in its `.pb.go` files. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { moduleDirectory } from "./go-module.ts";

/** Envoy's API first; the rest are the modules that it imports, at the versions its go.mod names. */
const MODULES = [
  "github.com/envoyproxy/go-control-plane/envoy@v1.40.0",
  "github.com/envoyproxy/protoc-gen-validate@v1.3.3",
  "github.com/cncf/xds/go@v0.0.0-20260202195803-dba9d589def2",
  "google.golang.org/genproto/googleapis/api@v0.0.0-20260720211330-0afa2a65878a",
  "google.golang.org/genproto/googleapis/rpc@v0.0.0-20260720211330-0afa2a65878a",
  "cel.dev/expr@v0.25.3",
  "go.opentelemetry.io/proto/otlp@v1.11.0",
  "github.com/prometheus/client_model@v0.6.2",
  "google.golang.org/protobuf@v1.36.12",
] as const;

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  "\\": 92,
  '"': 34,
  "'": 39,
};

/** The bytes of one interpreted Go string literal, without its quotes. */
function goString(text: string): Buffer {
  const parts: Buffer[] = [];
  const pattern = /\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[0-7]{3}|.)|[^\\]+/gis;
  for (const [whole, escape] of text.matchAll(pattern)) {
    if (escape === undefined) parts.push(Buffer.from(whole, "utf8"));
    else if (escape[0] === "x") parts.push(Buffer.from(escape.slice(1), "hex"));
    else if (/^u/i.test(escape))
      parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(escape.slice(1), 16))));
    else if (/^[0-7]{3}/.test(escape)) parts.push(Buffer.from([Number.parseInt(escape, 8)]));
    else parts.push(Buffer.from([ESCAPES[escape] ?? 0]));
  }
  return Buffer.concat(parts);
}

/** The FileDescriptorProto embedded in a generated Go file, if it has one. */
function rawDescriptor(source: string): Buffer | undefined {
  const literal = /_rawDesc = "" \+\n((?:\t".*"(?: \+)?\n)+)/.exec(source)?.[1];
  if (literal !== undefined)
    return Buffer.concat(
      [...literal.matchAll(/\t"(.*)"(?: \+)?\n/g)].map(([, line = ""]) => goString(line)),
    );
  const bytes = /_rawDesc = (?:string\()?\[\]byte\{\n([^}]*)\}/.exec(source)?.[1];
  return bytes === undefined
    ? undefined
    : Buffer.from([...bytes.matchAll(/0x([0-9a-f]{2})/g)].map(([, b]) => b).join(""), "hex");
}

export interface Descriptor {
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly raw: Uint8Array;
}

/** FileDescriptorProto: name = 1, dependency = 3. */
function parseDescriptor(raw: Uint8Array): Descriptor {
  const reader = new BinaryReader(raw);
  const dependencies: string[] = [];
  let name = "";
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) name = reader.string();
    else if (field === 3) dependencies.push(reader.string());
    else reader.skip(wire);
  }
  return { name, dependencies, raw };
}

/** Every file of the modules, by name. */
export function envoyDescriptors(): ReadonlyMap<string, Descriptor> {
  const sources = MODULES.map((module) => moduleDirectory(module)).flatMap((directory) =>
    globSync("**/*.pb.go", { cwd: directory }).map((path) => join(directory, path)),
  );
  return new Map(
    sources.flatMap((path) => {
      const raw = rawDescriptor(readFileSync(path, "utf8"));
      if (raw === undefined) return [];
      const descriptor = parseDescriptor(raw);
      return [[descriptor.name, descriptor] as const];
    }),
  );
}
