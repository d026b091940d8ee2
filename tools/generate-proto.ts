/**
 * Writes src/proto/gen: TypeScript codecs for exactly the Envoy API that the shipped Envoy speaks.
 *
 * The descriptors are read out of the Go module of the same version (they are embedded in its
 * `.pb.go` files), so neither protoc nor Envoy's own build is needed. Run by `make generate` only;
 * the output is committed.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
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

/** The files we use; what they import comes along. */
const FILES = [
  "envoy/service/discovery/v3/discovery.proto",
  "envoy/config/bootstrap/v3/bootstrap.proto",
  "envoy/config/cluster/v3/cluster.proto",
  "envoy/config/endpoint/v3/endpoint.proto",
  "envoy/config/listener/v3/listener.proto",
  "envoy/config/route/v3/route.proto",
  "envoy/config/accesslog/v3/accesslog.proto",
  "envoy/config/rbac/v3/rbac.proto",
  "envoy/extensions/access_loggers/file/v3/file.proto",
  "envoy/extensions/access_loggers/stream/v3/stream.proto",
  "envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.proto",
  "envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.proto",
  "envoy/extensions/filters/http/cors/v3/cors.proto",
  "envoy/extensions/filters/http/credential_injector/v3/credential_injector.proto",
  "envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.proto",
  "envoy/extensions/filters/http/fault/v3/fault.proto",
  "envoy/extensions/filters/http/grpc_stats/v3/config.proto",
  "envoy/extensions/filters/http/health_check/v3/health_check.proto",
  "envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto",
  "envoy/extensions/filters/http/lua/v3/lua.proto",
  "envoy/extensions/filters/http/on_demand/v3/on_demand.proto",
  "envoy/extensions/filters/http/rbac/v3/rbac.proto",
  "envoy/extensions/filters/http/router/v3/router.proto",
  "envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.proto",
  "envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.proto",
  "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto",
  "envoy/extensions/filters/listener/original_dst/v3/original_dst.proto",
  "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto",
  "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
  "envoy/extensions/filters/network/rbac/v3/rbac.proto",
  "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.proto",
  "envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.proto",
  "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto",
  "envoy/extensions/http/injected_credentials/generic/v3/generic.proto",
  "envoy/extensions/load_balancing_policies/least_request/v3/least_request.proto",
  "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.proto",
  "envoy/extensions/matching/common_inputs/network/v3/network_inputs.proto",
  "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.proto",
  "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto",
  "envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.proto",
  "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto",
  "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto",
  "envoy/extensions/transport_sockets/tls/v3/tls.proto",
  "envoy/extensions/upstreams/http/v3/http_protocol_options.proto",
  "envoy/extensions/upstreams/tcp/v3/tcp_protocol_options.proto",
  "google/rpc/status.proto",
] as const;

const TS_PROTO = [
  "esModuleInterop=true",
  "env=node",
  "useOptionals=all",
  "oneof=properties",
  "forceLong=number",
  "stringEnums=true",
  "enumsAsLiterals=true",
  "outputServices=none",
  "outputJsonMethods=false",
  "outputPartialMethods=false",
  "importSuffix=.ts",
  "unrecognizedEnum=false",
  "noDefaultsForOptionals=true",
  "comments=false",
].join(",");

const OUT = resolve(import.meta.dirname, "../src/proto/gen");

/** Google's well-known types that our own files stand in for (see src/proto/any.ts). */
const OWN = { any: "Any", duration: "Duration" } as const;

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

interface Descriptor {
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

/** A FileDescriptorSet of FILES and all they import, every file after its imports. */
function descriptorSet(files: ReadonlyMap<string, Descriptor>): Uint8Array {
  const writer = new BinaryWriter();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || seen.has(name)) return;
    seen.add(name);
    file.dependencies.forEach(visit);
    writer.uint32(10).bytes(file.raw);
  };
  FILES.forEach(visit);
  return writer.finish();
}

const sources = MODULES.map(moduleDirectory).flatMap((directory) =>
  globSync("**/*.pb.go", { cwd: directory }).map((path) => join(directory, path)),
);
const files = new Map(
  sources.flatMap((path) => {
    const raw = rawDescriptor(readFileSync(path, "utf8"));
    if (raw === undefined) return [];
    const descriptor = parseDescriptor(raw);
    return [[descriptor.name, descriptor] as const];
  }),
);
const missing = FILES.filter((file) => !files.has(file));
if (missing.length > 0) throw new RangeError(`no descriptor for ${missing.join(", ")}`);

const work = mkdtempSync(join(tmpdir(), "generate-proto-"));
try {
  writeFileSync(join(work, "fds.binpb"), descriptorSet(files));
  const plugin = resolve(import.meta.dirname, "../node_modules/.bin/protoc-gen-ts_proto");
  writeFileSync(
    join(work, "buf.gen.yaml"),
    `version: v2\nplugins:\n  - local: ${plugin}\n    out: ${OUT}\n    include_imports: true\n    opt: [${TS_PROTO}]\n`,
  );
  rmSync(OUT, { recursive: true, force: true });
  const paths = FILES.flatMap((file) => ["--path", file]);
  execFileSync("buf", ["generate", "fds.binpb", ...paths], { cwd: work, stdio: "inherit" });
  for (const [file, name] of Object.entries(OWN))
    writeFileSync(
      join(OUT, `google/protobuf/${file}.ts`),
      `export { ${name} } from "../../../${file}.ts";\n`,
    );
} finally {
  rmSync(work, { recursive: true, force: true });
}
