/** The clusters of this checkout, from the command line. */
import { Command } from "commander";
import { provideImages } from "../../images/build/provide.ts";
import { killComponent, openCluster, startComponent, stopComponent } from "./cluster.ts";
import { type ComponentName, componentNames } from "./components.ts";
import { down } from "./down.ts";
import { ClusterError } from "./errors.ts";
import { leftovers } from "./leftovers.ts";
import { connectClusters } from "./network.ts";
import { print, say } from "./say.ts";
import { setup } from "./setup.ts";
import { up } from "./up.ts";

const program = new Command("cluster").description("local Kubernetes clusters of this checkout");

program
  .command("setup")
  .description("installs and compiles what local clusters and tests need")
  .action(async () => {
    if (process.env["CLUSTER"] === "current") say("CLUSTER=current: nothing to set up");
    else await setup();
  });

program
  .command("up <name>")
  .description("brings a cluster up, or completes an interrupted run")
  .action(async (name: string) => {
    const { kubeconfig } = await up(name);
    print(`export KUBECONFIG=${kubeconfig}`);
  });

program.command("down <name>").description("removes a cluster and all it left").action(down);

program
  .command("connect <name> <other>")
  .description("lets the pods of two clusters reach each other: one network instead of two")
  .action(async (name: string, other: string) => {
    await connectClusters(await openCluster(name), await openCluster(other), { pods: true });
  });

program
  .command("verify-clean")
  .description("fails if clusters that are gone left anything on this machine")
  .action(async () => {
    const found = await leftovers();
    for (const line of found) print(line);
    if (found.length > 0) process.exitCode = 1;
    else say("nothing is left of clusters that are gone");
  });

program
  .command("images <name...>")
  .description("builds the images and loads them into clusters")
  .action((names: string[]) => provideImages(names));

const verbs = {
  "start-component": startComponent,
  "stop-component": stopComponent,
  "kill-component": killComponent,
};

for (const [verb, act] of Object.entries(verbs)) {
  program
    .command(`${verb} <name> <component>`)
    .description(`one of ${componentNames.join(", ")}`)
    .action(async (name: string, wanted: string) => {
      const component = componentNames.find((known) => known === wanted);
      if (component === undefined) {
        throw new ClusterError(
          `there is no component ${wanted}`,
          `use one of ${componentNames.join(", ")}`,
        );
      }
      await act(await openCluster(name), component satisfies ComponentName);
    });
}

try {
  await program.parseAsync();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  if (error instanceof Error && error.cause instanceof Error) say(`  ${error.cause.message}`);
  if (error instanceof ClusterError) say(`  ${error.hint}`);
  process.exitCode = 1;
}
