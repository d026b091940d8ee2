/**
 * How responses get into gRPC without being copied. grpc-js gives each message a new buffer, to put
 * the five bytes of its prefix before it: of five hundred proxies' first configuration that is more
 * than a gigabyte, and V8 marks the whole heap anew for every 64 MiB of buffers. Ours have the prefix.
 */
import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";

/**
 * Has a call send frames as they are. The library has no public word for that: where its call has no
 * method to serialize a message, what the service's own codec makes of a frame is copied as ever.
 */
export const sendFrames: ServerInterceptor = (_, call) => {
  const own: { serializeMessage?: unknown } = call as object;
  if (typeof own.serializeMessage === "function") own.serializeMessage = (frame: Buffer) => frame;
  return new ServerInterceptingCall(call);
};
