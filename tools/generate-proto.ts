/**
 * Writes src/proto/gen: TypeScript codecs for exactly the Envoy API that the shipped Envoy speaks.
 *
 * The descriptors are read out of the Go module of the same version (they are embedded in its
 * `.pb.go` files), so neither protoc nor Envoy's own build is needed. Run by `make generate` only;
 * the output is committed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type Descriptor, envoyDescriptors } from "./envoy-descriptors.ts";

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
  "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto",
  "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto",
  "envoy/extensions/filters/network/connection_limit/v3/connection_limit.proto",
  "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
  "envoy/extensions/filters/network/rbac/v3/rbac.proto",
  "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.proto",
  "envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.proto",
  "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto",
  "envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.proto",
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

const files = envoyDescriptors();
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
