import { BinaryReader } from "@bufbuild/protobuf/wire";

/** envoy.config.cluster.v3.Cluster: eds_cluster_config = 3, of which service_name = 2. */
const EDS_CONFIG = 3;
const SERVICE_NAME = 2;

/** The name by which a cluster that has its endpoints from us asks for them; read without the rest, as there are millions. */
export function serviceName(cluster: Uint8Array): string | undefined {
  const config = field(cluster, EDS_CONFIG);
  const name = config && field(config, SERVICE_NAME);
  return name && new TextDecoder().decode(name);
}

function field(message: Uint8Array, wanted: number): Uint8Array | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if (number === wanted) return reader.bytes();
    reader.skip(wire);
  }
  return undefined;
}
