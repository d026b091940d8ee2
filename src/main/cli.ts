#!/usr/bin/env node
/** The image's entry: argv → command; the one catch; the exit code. */
import { Command, Option } from "commander";
import { CONFIG_FILE } from "../api/names.ts";
import { type Command as CliCommand, type Output, triedOnce } from "../cli/command.ts";
import { proxyStatus } from "../cli/proxy-status.ts";
import { status } from "../cli/status.ts";
import { MeshError } from "../util/errors.ts";
import { createLog, errorFields, type Log, type LogLevel } from "../util/log.ts";

/** Aborts when Kubernetes, or a person, ends the process. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.once(name, () => controller.abort(new Error(name)));
  return controller.signal;
}

function logOf(component: string): Log {
  const level = (process.env["LOG_LEVEL"] ?? "info") as LogLevel;
  return createLog({ component, level, format: process.stdout.isTTY ? "text" : "json" });
}

const program = new Command("meshwright").description(
  "A service mesh from one object: operator, control plane and stock Envoy",
);

program
  .command("control-plane")
  .description("serves configuration and certificates to proxies, and injects sidecars")
  .option("--config <file>", "settings that the operator wrote", CONFIG_FILE)
  .action(async ({ config: file }: { readonly config: string }) => {
    const [{ readControlPlaneConfig }, { runControlPlane }] = await Promise.all([
      import("./control-plane-config.ts"),
      import("./control-plane.ts"),
    ]);
    const config = await readControlPlaneConfig(file);
    await runControlPlane({ config, log: logOf("control-plane") }, stopSignal());
  });

program
  .command("operator")
  .description("makes the cluster what the MeshConfig says")
  .action(async () => {
    const { runOperator } = await import("./operator.ts");
    await runOperator({ log: logOf("operator"), env: process.env }, stopSignal());
  });

interface CliOptions {
  readonly output: Output;
  readonly namespace: string;
}

/** A command for people: what it finds goes to standard output, how it went is the exit code. */
function offer({ name, summary, argument, run }: CliCommand): void {
  program
    .command(`${name} ${argument}`)
    .description(summary)
    .addOption(new Option("-o, --output <form>").choices(["table", "json"]).default("table"))
    .option("-n, --namespace <namespace>", "of what is named without one", "default")
    .action(async (given: string | undefined, { output, namespace }: CliOptions) => {
      const { Client, loadCredentials } = await import("../kube/client.ts");
      const client = new Client(await loadCredentials());
      const out = (text: string): void => void process.stdout.write(`${text}\n`);
      const warn = (text: string): void => void process.stderr.write(`${text}\n`);
      try {
        process.exitCode = await run(given, { client, out, warn, output, namespace });
      } catch (error) {
        throw triedOnce(error);
      } finally {
        client.close();
      }
    });
}

[proxyStatus, status].forEach(offer);

try {
  await program.parseAsync();
} catch (error) {
  const log = logOf("meshwright");
  const message = error instanceof MeshError ? `${error.message}: ${error.hint}` : String(error);
  log.error(message, errorFields(error));
  process.exitCode = 1;
}
