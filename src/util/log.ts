/** One way to log: winston, JSON in a pod, a line to read at a terminal. */
import winston from "winston";
import { MeshError } from "./errors.ts";

type Fields = Readonly<Record<string, unknown>>;

/** `message` is a sentence for people; `fields` are for machines that search. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly component: string;
  readonly level: LogLevel;
  /** `json` for a pod, `text` for a terminal. */
  readonly format: "json" | "text";
}

export function createLog({ component, level, format }: LogOptions): Log {
  const { combine, timestamp, json, printf } = winston.format;
  return winston.createLogger({
    level,
    defaultMeta: { component },
    format:
      format === "json" ? combine(timestamp(), json()) : combine(timestamp(), printf(readable)),
    transports: [new winston.transports.Console({ stderrLevels: [] })],
  });
}

/** For tests and for parts that nobody listens to. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What a log line should say of an error besides its message. */
export function errorFields(error: unknown): Fields {
  if (error instanceof MeshError)
    return { code: error.code, hint: error.hint, ...causeOf(error.cause) };
  return error instanceof Error ? { stack: error.stack } : { error: String(error) };
}

function causeOf(cause: unknown): Fields {
  if (cause === undefined) return {};
  return { cause: cause instanceof Error ? cause.message : JSON.stringify(cause) };
}

function readable(line: winston.Logform.TransformableInfo): string {
  const { timestamp, level, message, component, ...rest } = line;
  const time = String(timestamp).slice(11, 23);
  const fields = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("");
  return `${time} ${level.toUpperCase().padEnd(5)} ${String(component)}: ${String(message)}${fields}`;
}
