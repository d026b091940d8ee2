/** Bytes for a field of a message; as JSON they are base64, as protobuf's JSON has them. */
export function base64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  Object.defineProperty(bytes, "toJSON", { value: () => bytes.toString("base64") });
  return bytes;
}
