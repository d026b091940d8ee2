/** A command is data, and one function of the world that it is handed. */
import type { Client } from "../kube/client.ts";
import { isTransient } from "../kube/error.ts";
import { MeshError } from "../util/errors.ts";

export type Output = "table" | "json";

export interface Io {
  readonly client: Pick<Client, "get" | "list" | "request">;
  /** Prints one text, and a line end. */
  readonly out: (text: string) => void;
  /** The same of what is no part of the answer, and may not stand where a program reads that. */
  readonly warn: (text: string) => void;
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

/** A failure as it is for a command, which tries once, where those that go on running try again. */
export function triedOnce(error: unknown): unknown {
  if (!(error instanceof MeshError) || !isTransient(error)) return error;
  const { code, message, cause } = error;
  return new MeshError(code, message, { hint: "repeat the command once it is well", cause });
}
