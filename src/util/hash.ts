import { createHash } from "node:crypto";

/** Short, stable, and different for different content; the order of an object's fields counts. */
export const contentHash = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
