import { join } from "node:path";
import { withLock } from "./lock.ts";
import { checkout } from "./registry.ts";

/** One command at a time per cluster. */
export const withCluster = <T>(name: string, body: () => Promise<T>): Promise<T> =>
  withLock(join(checkout, ".state", `${name}.lock`), body);
