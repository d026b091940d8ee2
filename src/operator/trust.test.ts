import assert from "node:assert/strict";
import { test } from "node:test";
import type { Secret } from "../api/gen/kubernetes.ts";
import { KINDS, type Kind, type Live } from "../api/kinds.ts";
import { CA_SECRET, CACERTS_SECRET, OPERATOR_NAMESPACE } from "../api/names.ts";
import { objectKey } from "../api/object.ts";
import { createRoot } from "../ca/root.ts";
import { base64 } from "../install/render.ts";
import { settingsOf } from "../install/settings.ts";
import { Trust } from "./trust.ts";

interface Name {
  readonly namespace: string;
  readonly name: string;
}

const NOW = new Date("2030-01-01T00:00:00Z");
const HOUR_MS = 3_600_000;
const MASTER = { namespace: OPERATOR_NAMESPACE, name: CA_SECRET };
const COPY = { namespace: "mesh-system", name: CACERTS_SECRET };
const settings = settingsOf(
  { apiVersion: "meshwright.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "default" } },
  { version: "0.1.0", image: "", proxyImage: "" },
);

const root = async (ttlMs = HOUR_MS): Promise<Record<string, string>> => ({
  ...(await createRoot({ trustDomain: "cluster.local", now: NOW, ttlMs })),
});

/** The two Secrets, as they are and as the watch has told of them. */
class Secrets {
  now = NOW;
  afterRead: () => void = () => {};
  readonly #secrets = new Map<string, Live<Secret>>();
  #version = 0;

  put(ref: Name, files: Record<string, string>): void {
    this.#put({ apiVersion: "v1", kind: "Secret", metadata: ref, data: base64(files) });
  }

  trust(): Trust {
    const deps = {
      client: { get: this.#get },
      world: { find: (_: Kind, key: string) => this.#secrets.get(key), learn: () => {} },
      applied: { apply: async (secret: Live<Secret>) => this.#put(secret) },
      now: () => this.now,
    };
    return new Trust(deps as unknown as ConstructorParameters<typeof Trust>[0]);
  }

  readonly #get = async (kind: Kind, ref: Name) => {
    assert.equal(kind, KINDS.secret);
    const found = this.#secrets.get(objectKey({ metadata: ref }));
    this.afterRead();
    return found;
  };

  #put(secret: Live<Secret>): Live<Secret> {
    const resourceVersion = String(++this.#version);
    const live = { ...secret, metadata: { ...secret.metadata, resourceVersion } };
    this.#secrets.set(objectKey(live), live);
    return live;
  }
}

const { signal } = new AbortController();

test("a CA that expires is noticed, though nothing else changed", async () => {
  const secrets = new Secrets();
  secrets.put(COPY, await root());
  const trust = secrets.trust();
  const { notAfter } = await trust.ensure(settings, undefined, signal);
  assert.equal(notAfter.getTime(), NOW.getTime() + HOUR_MS);
  await trust.ensure(settings, undefined, signal);
  secrets.now = notAfter;
  await assert.rejects(trust.ensure(settings, undefined, signal), {
    code: "MESH0401",
    message: /Secret mesh-system\/cacerts expired/,
  });
});

test("a change that is told of while the Secrets are read is not taken as read", async () => {
  const secrets = new Secrets();
  const [first, second] = [await root(), await root()];
  secrets.put(MASTER, first);
  secrets.afterRead = () => {
    secrets.afterRead = () => {};
    secrets.put(MASTER, second);
  };
  const trust = secrets.trust();
  assert.equal((await trust.ensure(settings, undefined, signal)).rootsPem, first["root-cert.pem"]);
  assert.equal((await trust.ensure(settings, undefined, signal)).rootsPem, second["root-cert.pem"]);
});

test("what is known is not read again, nor is what was just written", async () => {
  const secrets = new Secrets();
  const trust = secrets.trust();
  const made = await trust.ensure(settings, undefined, signal);
  secrets.afterRead = () => assert.fail("read again");
  assert.equal(await trust.ensure(settings, undefined, signal), made);
});
