import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadCredentials } from "./client.ts";
import { type Credentials, podCredentials } from "./service-account.ts";

const POD = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };

function mounted(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "service-account-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "token"), "first\n");
  writeFileSync(join(directory, "ca.crt"), "an authority");
  return directory;
}

async function applied(credentials: Credentials | undefined): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await credentials?.applyToHTTPSOptions(options);
  return options;
}

test("a pod speaks to its API server with its token and trusts its authority alone", async (t) => {
  const credentials = podCredentials(POD, mounted(t));
  assert.equal(credentials?.getCurrentCluster().server, "https://10.96.0.1:443");
  assert.deepEqual(await applied(credentials), {
    ca: "an authority",
    headers: { authorization: "Bearer first" },
  });
});

test("an API server at an IPv6 address has brackets in its URL", (t) => {
  const credentials = podCredentials({ ...POD, KUBERNETES_SERVICE_HOST: "fd00::1" }, mounted(t));
  assert.equal(credentials?.getCurrentCluster().server, "https://[fd00::1]:443");
});

test("token and authority are read anew after a minute, as the kubelet renews them", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const directory = mounted(t);
  const credentials = podCredentials(POD, directory);
  writeFileSync(join(directory, "token"), "second");
  writeFileSync(join(directory, "ca.crt"), "another authority");
  t.mock.timers.setTime(59_000);
  assert.deepEqual((await applied(credentials)).headers, { authorization: "Bearer first" });
  t.mock.timers.setTime(60_000);
  assert.deepEqual(await applied(credentials), {
    ca: "another authority",
    headers: { authorization: "Bearer second" },
  });
});

test("while a file is away what was read last goes on, and what comes back is read", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const directory = mounted(t);
  const credentials = podCredentials(POD, directory);
  rmSync(join(directory, "token"));
  t.mock.timers.setTime(60_000);
  assert.deepEqual((await applied(credentials)).headers, { authorization: "Bearer first" });
  writeFileSync(join(directory, "token"), "second");
  assert.deepEqual((await applied(credentials)).headers, { authorization: "Bearer second" });
});

test("outside of a pod there are no such credentials", (t) => {
  assert.equal(podCredentials({}, mounted(t)), undefined);
  assert.equal(podCredentials(POD, "/nowhere"), undefined);
});

test("a kubeconfig that is named comes first", async (t) => {
  const file = join(mounted(t), "config");
  const cluster = { name: "one", cluster: { server: "https://named.example" } };
  const context = { name: "one", context: { cluster: "one", user: "nobody" } };
  const config = { clusters: [cluster], contexts: [context], "current-context": "one" };
  writeFileSync(file, JSON.stringify(config));
  const { KUBECONFIG: before } = process.env;
  Object.assign(process.env, { KUBECONFIG: file });
  t.after(() => {
    if (before === undefined) delete process.env["KUBECONFIG"];
    else process.env["KUBECONFIG"] = before;
  });
  const credentials = await loadCredentials();
  assert.equal(credentials.getCurrentCluster()?.server, "https://named.example");
});
