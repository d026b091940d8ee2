import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ConfigMap } from "../../src/api/gen/kubernetes.ts";
import { KINDS, type Live } from "../../src/api/kinds.ts";
import { objectKey } from "../../src/api/object.ts";
import type { Client } from "../../src/kube/client.ts";
import { isApiError } from "../../src/kube/error.ts";
import { reflect } from "../../src/kube/watch.ts";
import type { Sink } from "../../src/store/sink.ts";
import { ApiServer } from "../harness/api-server.ts";
import { waitFor } from "../harness/wait.ts";

type Settings = Live<ConfigMap>;

/** What a reflector's reader would see, and how it came. */
class Mirror implements Sink<Settings> {
  readonly objects = new Map<string, Settings>();
  replaced = 0;

  replace(objects: readonly Settings[]): void {
    this.replaced += 1;
    this.objects.clear();
    for (const object of objects) this.upsert(object);
  }

  upsert(object: Settings): void {
    this.objects.set(objectKey(object), object);
  }

  remove(key: string): void {
    this.objects.delete(key);
  }
}

const settings = (name: string, value = "1"): Settings => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", labels: { test: "watch" } },
  data: { value },
});

describe("client and reflector", () => {
  let server: ApiServer;
  let client: Client;
  const stop = new AbortController();

  before(async () => {
    server = await ApiServer.start();
    client = server.client();
  });

  after(async () => {
    stop.abort();
    client?.close();
    await server?.stop();
  });

  const has = (mirror: Mirror, keys: readonly string[]): Promise<unknown> =>
    waitFor(
      { description: `a mirror with ${keys.join(", ") || "nothing"}`, deadlineMs: 40_000 },
      async () => {
        assert.deepEqual([...mirror.objects.keys()].sort(), keys);
        return true;
      },
    );

  test("a mirror follows creations, edits and deletions, and what it missed while the server was away", async () => {
    const mirror = new Mirror();
    const own = AbortSignal.any([stop.signal]);
    await client.create(settings("before"));
    const reflection = reflect(client, KINDS.configMap, mirror, {
      signal: own,
      namespace: "default",
      labelSelector: "test=watch",
    });
    await reflection.synced;
    assert.deepEqual([...mirror.objects.keys()], ["default/before"]);
    assert.equal(mirror.objects.get("default/before")?.kind, "ConfigMap");

    await client.create(settings("second"));
    await has(mirror, ["default/before", "default/second"]);
    await client.apply(settings("second", "2"), { manager: "test", force: true });
    await waitFor(
      { description: "the edit", deadlineMs: 5_000 },
      async () => mirror.objects.get("default/second")?.data?.["value"] === "2",
    );
    assert.equal(
      await client.remove(KINDS.configMap, { name: "before", namespace: "default" }),
      true,
    );
    await has(mirror, ["default/second"]);

    await server.kill();
    await waitFor(
      { description: "a reflector that knows", deadlineMs: 40_000 },
      async () => !reflection.healthy(),
    );
    await server.resume();
    await client.remove(KINDS.configMap, { name: "second", namespace: "default" });
    await client.create(settings("third"));
    await has(mirror, ["default/third"]);
  });

  test("refusals carry the server's words and status", async () => {
    await assert.rejects(
      client.create({ ...settings("bad"), metadata: { name: "Not A Name", namespace: "default" } }),
      (error) => isApiError(error, 422) && /metadata\.name/.test(error.message),
    );
    await assert.rejects(
      server.client("operator").list(KINDS.secret),
      (error) => isApiError(error, 403) && error.code === "MESH0703",
    );
    assert.equal(
      await client.get(KINDS.configMap, { name: "none", namespace: "default" }),
      undefined,
    );
    assert.equal(
      await client.remove(KINDS.configMap, { name: "none", namespace: "default" }),
      false,
    );
  });

  test("lists come page by page", async () => {
    await Promise.all(
      Array.from({ length: 501 }, (_, i) =>
        client.create({
          ...settings(`page-${i}`),
          metadata: { name: `page-${i}`, namespace: "kube-public" },
        }),
      ),
    );
    const all = await client.list(KINDS.configMap, { namespace: "kube-public" });
    assert.equal(all.filter(({ metadata }) => metadata.name.startsWith("page-")).length, 501);
  });
});
