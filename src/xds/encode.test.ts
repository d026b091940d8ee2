import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Cluster } from "../proto/gen/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "../proto/gen/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "../proto/gen/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "../proto/gen/envoy/config/route/v3/route.ts";
import { VirtualHost } from "../proto/gen/envoy/config/route/v3/route_components.ts";
import { Secret } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { jsonOf } from "../proto/reflect/json.ts";
import { TYPE_URLS } from "../proto/type-url.ts";
import { translatedFor } from "../testing/configuration.ts";
import { stories } from "../testing/story.ts";
import { encode } from "./encode.ts";

const CODECS = {
  Cluster,
  ClusterLoadAssignment,
  Listener,
  RouteConfiguration,
  VirtualHost,
  Secret,
} as const;

/** The fields of an encoded `Resource`: version, name, and the type and bytes of its body. */
function parse(bytes: Uint8Array): Record<number, Uint8Array> {
  const reader = new BinaryReader(bytes);
  const fields: Record<number, Uint8Array> = {};
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    fields[field] = Uint8Array.from(reader.bytes());
  }
  return fields;
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** What is zero or empty is as good as absent on the wire, and is not told apart here. */
function meant(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meant);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value)
    .map(([name, inner]) => [name, meant(inner)] as const)
    .filter(([, inner]) => !isEmpty(inner))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields);
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === 0 ||
  value === "" ||
  (typeof value === "object" && value !== null && Object.keys(value).length === 0);

for (const { name: story, model, views } of stories())
  test(`${story}: what is encoded is what was translated`, () => {
    for (const view of views)
      for (const translated of translatedFor(model.mesh(model.engine), view)) {
        const { type, name, body } = translated;
        const encoded = encode(type, translated);
        const resource = parse(encoded.bytes);
        assert.deepEqual([text(resource[1]), text(resource[3])], [encoded.version, name]);
        const any = parse(resource[2] ?? new Uint8Array());
        assert.equal(text(any[1]), TYPE_URLS[type]);
        const value = any[2] ?? new Uint8Array();
        if (translated.bytes !== undefined) {
          // What users patched is the JSON of Envoy's documentation already.
          assert.deepEqual(jsonOf(TYPE_URLS[type].replace(/.*\//, ""), value), body);
          continue;
        }
        const decoded = CODECS[type].decode(value);
        assert.deepEqual(meant(decoded), meant(body), `${type} ${name}`);
        const again = encode(type, { ...translated, body: decoded });
        assert.deepEqual(again.bytes, encoded.bytes, "nothing is lost, be it empty");
        assert.deepEqual(encode(type, translated), encoded, "the same again");
      }
  });
