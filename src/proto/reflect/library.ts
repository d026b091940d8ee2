/**
 * All of Envoy's messages, by descriptor. They take ten megabytes and a quarter of a second, so they
 * are loaded when the first EnvoyFilter comes; `require` is how a module is loaded in the midst of a
 * pure function, and it and decompression are why this file may import what others here may not.
 */
import { createRequire } from "node:module";
import { brotliDecompressSync } from "node:zlib";
import type * as Protobuf from "@bufbuild/protobuf";
import type * as WellKnown from "@bufbuild/protobuf/wkt";
import { DESCRIPTORS } from "./descriptors.ts";

export interface Library {
  readonly protobuf: typeof Protobuf;
  readonly registry: Protobuf.FileRegistry;
  /** @throws RangeError if Envoy has no such message */
  readonly message: (name: string) => Protobuf.DescMessage;
}

let loaded: Library | undefined;

export function library(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  const require = createRequire(import.meta.url);
  const protobuf = require("@bufbuild/protobuf") as typeof Protobuf;
  const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt") as typeof WellKnown;
  const bytes = brotliDecompressSync(Buffer.from(DESCRIPTORS, "base64"));
  const registry = protobuf.createFileRegistry(protobuf.fromBinary(FileDescriptorSetSchema, bytes));
  return {
    protobuf,
    registry,
    message(name) {
      const found = registry.getMessage(name);
      if (found === undefined) throw new RangeError(`Envoy has no message ${name}`);
      return found;
    },
  };
}
