/** The command line against a whole mesh, as a person runs it with the kubeconfig of the cluster. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { openMesh, ownNamespace } from "../harness/case.ts";
import { type Cluster, kubeconfigOf } from "../harness/cluster.ts";
import { diagnose } from "../harness/diagnose.ts";
import { reachable } from "../harness/in-pod.ts";
import { CLIENT, deploy, HTTPBIN } from "../harness/samples.ts";
import { waitFor } from "../harness/wait.ts";
import { onePod } from "../harness/workloads.ts";

interface Ended {
  readonly code: number;
  readonly text: string;
}

function meshwright({ kind, name }: Cluster, ...args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, ...(kind === "local" && { KUBECONFIG: kubeconfigOf(name) }) };
  return new Promise((resolve) => {
    execFile(process.execPath, ["src/main/cli.ts", ...args], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), text: out + err }),
    );
  });
}

const networking = (kind: string, name: string, spec: object): object => ({
  apiVersion: kind === "EnvoyFilter" ? "networking.istio.io/v1alpha3" : "networking.istio.io/v1",
  kind,
  metadata: { name },
  spec,
});

const ACCEPTED = networking("VirtualService", "httpbin", {
  hosts: ["httpbin"],
  http: [{ timeout: "5s", route: [{ destination: { host: "httpbin" } }] }],
});

/** A valid message with a script that Envoy does not take. */
const REFUSED = networking("EnvoyFilter", "unfinished", {
  workloadSelector: { labels: { app: "httpbin" } },
  configPatches: [
    {
      applyTo: "HTTP_FILTER",
      match: { context: "SIDECAR_INBOUND" },
      patch: {
        operation: "INSERT_FIRST",
        value: {
          name: "envoy.filters.http.lua",
          typed_config: {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            default_source_code: { inline_string: "function envoy_on_request(handle" },
          },
        },
      },
    },
  ],
});

test("the command line shows which proxies run what they were sent, and who takes an object and who does not", async (t) => {
  const cluster = await openMesh();
  t.after(() => cluster.api.close());
  const namespace = await ownNamespace(t, cluster, { name: "e2e-cli" });
  await deploy(cluster, namespace, [CLIENT, HTTPBIN]);
  await cluster.kubectl.applyText(JSON.stringify(ACCEPTED), namespace);

  /** Waits until a command ends so and says this: proxies take a moment. */
  const says = (args: readonly string[], code: number, ...words: readonly RegExp[]) =>
    waitFor(
      {
        description: `\`meshwright ${args.join(" ")}\` that ends with ${code}`,
        deadlineMs: 60_000,
        intervalMs: 500,
        diagnose: () => diagnose(cluster, [namespace]),
      },
      async () => {
        const ended = await meshwright(cluster, ...args);
        assert.equal(ended.code, code, ended.text);
        for (const one of words) assert.match(ended.text, one);
        return ended.text;
      },
    );

  for (const app of ["client", "httpbin"]) {
    const { metadata } = await onePod(cluster, namespace, `app=${app}`);
    const proxy = `${namespace}/${metadata.name}`;
    const synced = new RegExp(`^${proxy} +sidecar( +synced){5} +meshwright-control-plane-`, "m");
    await says(["proxy-status", proxy], 0, synced);
  }
  await says(["proxy-status", "nobody", "-n", namespace], 1, /no such proxy is connected/);

  const ofNamespace = ["-n", namespace];
  await says(
    ["status", "virtualservice/httpbin", ...ofNamespace],
    0,
    new RegExp(`^VirtualService ${namespace}/httpbin \\(networking\\.istio\\.io/`),
    /Accepted +True \(Accepted\)/,
    /Programmed +True \(Programmed\)/,
    /^([1-9]\d*) of \1 connected proxies run all that there is for them/m,
  );
  await says(["status", "service/httpbin", ...ofNamespace], 0, /no fault was found/);

  await cluster.kubectl.applyText(JSON.stringify(REFUSED), namespace);
  const pod = await onePod(cluster, namespace, "app=httpbin");
  await says(
    ["status", "envoyfilter/unfinished", ...ofNamespace],
    1,
    /Accepted +True \(Accepted\)/,
    /Programmed +False \(Rejected\) .*Envoy rejects Listener virtualInbound/,
    new RegExp(`^${namespace}/${pod.metadata.name} +rejects .*script load error`, "m"),
  );
  await reachable(cluster, namespace, { url: "http://httpbin:8000/get" });
});
