/** An xDS stream opened by hand, to see how the control plane turns away whom it does not know. */
import {
  credentials,
  type Metadata,
  makeGenericClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import type { Origin } from "./http.ts";

const bytes = (message: Buffer): Buffer => message;

const DeltaClient = makeGenericClientConstructor(
  {
    stream: {
      path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
      requestStream: true,
      responseStream: true,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  },
  "AggregatedDiscoveryService",
);

export interface StreamEnd {
  /** gRPC's status code; 16 is UNAUTHENTICATED. */
  readonly code: number;
  readonly details: string;
  /** How many messages came before the end. */
  readonly messages: number;
}

export interface XdsServer extends Origin {
  readonly rootPem: string;
  /** The name in its certificate. */
  readonly serverName: string;
}

/** Opens a delta stream with this metadata, sends an empty request and returns how it ended. */
export async function endOfStream(server: XdsServer, metadata: Metadata): Promise<StreamEnd> {
  const { host, port, rootPem, serverName } = server;
  const client = new DeltaClient(`${host}:${port}`, credentials.createSsl(Buffer.from(rootPem)), {
    "grpc.ssl_target_name_override": serverName,
    "grpc.default_authority": serverName,
  });
  const open = client["stream"];
  if (open === undefined) throw new TypeError("the client was made without its method");
  try {
    return await new Promise<StreamEnd>((resolve, reject) => {
      const call = open.call(client, metadata, { deadline: Date.now() + 10_000 }) as ReturnType<
        typeof client.makeBidiStreamRequest
      >;
      let messages = 0;
      call.on("data", () => {
        messages += 1;
      });
      call.on("end", () => undefined);
      call.on("error", ({ code, details }: ServiceError) => resolve({ code, details, messages }));
      call.on("status", ({ code }: { code: number }) => {
        if (code === 0) reject(new Error("the stream ended without an error"));
      });
      call.write(Buffer.alloc(0));
    });
  } finally {
    client.close();
  }
}
