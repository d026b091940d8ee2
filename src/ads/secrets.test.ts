import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { WORKLOAD_SECRET } from "../api/names.ts";
import { type IssuedSecret, SecretStore, type WorkloadSecrets } from "./secrets.ts";

const IDENTITY = "spiffe://cluster.local/ns/shop/sa/web";
const DAY_MS = 86_400_000;

/** An authority whose answers wait until they are let go, one by one. */
class SlowAuthority implements WorkloadSecrets {
  asked = 0;
  #version = 1;
  readonly #listeners = new Set<() => void>();
  readonly #waiting: (() => void)[] = [];

  issue(): Promise<IssuedSecret> {
    this.asked += 1;
    const { promise, resolve } = Promise.withResolvers<IssuedSecret>();
    const now = Date.now();
    const [notBefore, notAfter] = [new Date(now), new Date(now + DAY_MS)];
    const issued = { certChainPem: `of ${this.#version}`, keyPem: "key", notBefore, notAfter };
    this.#waiting.push(() => resolve(issued));
    return promise;
  }

  trustBundle(): { readonly pem: string; readonly version: string } {
    return { pem: `root ${this.#version}`, version: `v${this.#version}` };
  }

  onRootChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  replaceRoot(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  /** Answers what was asked first, and lets everything follow that follows at once. */
  async answer(): Promise<void> {
    this.#waiting.shift()?.();
    await turn();
  }
}

function scene(t: TestContext) {
  const authority = new SlowAuthority();
  const store = new SecretStore(authority, (message) => assert.fail(message));
  const secrets = store.acquire(IDENTITY, () => {});
  t.after(() => secrets.release());
  /** The root by which the certificate is made. */
  const root = (): string | undefined =>
    secrets.current().resources.get(WORKLOAD_SECRET)?.version.split(".")[0];
  return { authority, root };
}

test("a root that changes while the first certificate is made has another made at once", async (t) => {
  const { authority, root } = scene(t);
  assert.equal(root(), undefined);
  authority.replaceRoot();
  assert.equal(authority.asked, 1);
  await authority.answer();
  assert.deepEqual([root(), authority.asked], ["v1", 2], "better than none");
  await authority.answer();
  assert.deepEqual([root(), authority.asked], ["v2", 2]);
});

test("so has one that changes while a certificate is made for the one before", async (t) => {
  const { authority, root } = scene(t);
  root();
  await authority.answer();
  assert.deepEqual([root(), authority.asked], ["v1", 1]);
  authority.replaceRoot();
  authority.replaceRoot();
  assert.equal(authority.asked, 2);
  await authority.answer();
  assert.deepEqual([root(), authority.asked], ["v2", 3]);
  await authority.answer();
  assert.deepEqual([root(), authority.asked], ["v3", 3]);
});
