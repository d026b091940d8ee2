/** A command is data, and one function of the world that it is handed. */
import type { Client } from "../kube/client.ts";

export type Output = "table" | "json";

export interface Io {
  readonly client: Pick<Client, "get" | "list" | "request">;
  /** Prints one text, and a line end. */
  readonly out: (text: string) => void;
  readonly output: Output;
  /** Used where an object is named without one. */
  readonly namespace: string;
  readonly signal?: AbortSignal;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What it takes, for the usage: `[pod]`. */
  readonly argument: string;
  /** @returns the exit code: 0 if all is well */
  readonly run: (argument: string | undefined, io: Io) => Promise<number>;
}
