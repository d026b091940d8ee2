/** kubectl on one cluster: what a user would type. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { attempt, type Outcome, run } from "../cluster/command.ts";
import { rendered } from "./environment.ts";

export interface Target {
  readonly namespace: string;
  /** `pod/NAME`, or `deploy/NAME` for one of its pods. */
  readonly workload: string;
  readonly container?: string;
}

export class Kubectl {
  readonly #command: readonly [string, ...string[]];

  /** @param kubeconfig undefined: whatever kubectl uses by itself */
  constructor(program: string, kubeconfig: string | undefined) {
    this.#command = kubeconfig ? [program, `--kubeconfig=${kubeconfig}`] : [program];
  }

  /** @throws Error with what kubectl said, if it fails */
  run(args: readonly string[], input?: string): Promise<string> {
    return run([...this.#command, ...args], input === undefined ? {} : { input });
  }

  /** The same, where a refusal is what one wants to see. */
  attempt(args: readonly string[], input?: string): Promise<Outcome> {
    return attempt([...this.#command, ...args], input === undefined ? {} : { input });
  }

  /** Applies a manifest of the repository, with the images of IMAGE_PREFIX. */
  async apply(path: string, namespace?: string): Promise<void> {
    await this.applyText(rendered(path), namespace);
  }

  async applyText(yaml: string, namespace?: string): Promise<void> {
    const scope = namespace ? [`--namespace=${namespace}`] : [];
    await this.run(["apply", "--server-side", "--force-conflicts", ...scope, "-f", "-"], yaml);
  }

  async delete(path: string, namespace?: string): Promise<void> {
    const scope = namespace ? [`--namespace=${namespace}`] : [];
    await this.run(["delete", "--ignore-not-found", ...scope, "-f", "-"], rendered(path));
  }

  exec({ namespace, workload, container }: Target, command: readonly string[]): Promise<string> {
    const inside = container ? [`--container=${container}`] : [];
    return this.run(["exec", `--namespace=${namespace}`, workload, ...inside, "--", ...command]);
  }

  /** Runs a command that goes on talking, line by line, until it is closed. */
  follow(
    { namespace, workload, container }: Target,
    command: readonly string[],
    onLine: (line: string) => void,
  ): Following {
    const inside = container ? [`--container=${container}`] : [];
    const exec = ["exec", "-i", `--namespace=${namespace}`, workload, ...inside, "--", ...command];
    const [program, ...config] = this.#command;
    const child = spawn(program, [...config, ...exec], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout }).on("line", onLine);
    const ended = Promise.all([once(child, "exit"), once(lines, "close")]);
    return {
      close: () => void child.kill(),
      async end() {
        child.stdin.end();
        await ended;
      },
    };
  }

  /** Opens a local port that leads to a port of a pod, also one on its loopback. */
  async forward({ namespace, workload }: Target, port: number): Promise<Forward> {
    const [program, ...config] = this.#command;
    const args = [...config, "port-forward", `--namespace=${namespace}`, workload, `:${port}`];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const localPort = await new Promise<number>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const [, found] = /127\.0\.0\.1:(\d+) ->/.exec(text) ?? [];
        if (found) resolve(Number(found));
      });
      child.once("error", reject);
      child.once("exit", () =>
        reject(new Error(`kubectl port-forward ${workload} ${port} ended: ${said.trim()}`)),
      );
    });
    return { host: "127.0.0.1", port: localPort, close: () => void child.kill() };
  }
}

export interface Following {
  /** Ends it, whatever it is doing. */
  close(): void;
  /** Ends its input, and returns when the command has ended by itself and all was read. */
  end(): Promise<void>;
}

export interface Forward {
  readonly host: string;
  readonly port: number;
  close(): void;
}
