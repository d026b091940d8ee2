import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Lets the command write to this terminal instead of collecting what it says. */
  readonly show?: boolean;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Debian's /usr/sbin is not on every user's PATH, and the network tools live there. */
export const searchPath = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
];

/** Where a program is, or undefined if this machine lacks it. */
export function which(program: string): string | undefined {
  if (isAbsolute(program)) return existsSync(program) ? program : undefined;
  return searchPath.map((dir) => join(dir, program)).find((path) => existsSync(path));
}

/** Runs a command to its end, whatever its exit code. */
export async function attempt(
  command: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<Outcome> {
  const [program, ...args] = command;
  const output = options.show === true ? ("inherit" as const) : ("pipe" as const);
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, PATH: searchPath.join(delimiter), ...options.env },
    stdio: ["pipe", output, output],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text.stderr += chunk;
  });
  // A command that ends without reading its input closes the pipe: its exit code tells the rest.
  child.stdin?.on("error", () => undefined).end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ ...text, code: code ?? (signal === null ? 1 : 128) });
    });
  });
}

/**
 * Runs a command and returns its standard output.
 *
 * @throws Error with the command and the end of what it complained of, if it fails
 */
export async function run(
  command: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<string> {
  const outcome = await attempt(command, options);
  if (outcome.code !== 0) {
    // Compilers complain on standard output.
    const complaint = outcome.stderr.trim() || outcome.stdout.trim();
    const said = complaint.split("\n").slice(-15).join("\n");
    throw new Error(`${command.join(" ")} failed with exit code ${outcome.code}\n${said}`);
  }
  return outcome.stdout;
}
