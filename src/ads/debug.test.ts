import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { decodeDelta } from "../proto/delta.ts";
import { unframed } from "../proto/frame.ts";
import { TYPE_URLS } from "../proto/type-url.ts";
import { HandMadeScopes } from "../testing/scopes.ts";
import { encode } from "../xds/encode.ts";
import type { Caller } from "./auth.ts";
import { Connection } from "./connection.ts";
import { proxySyncs } from "./debug.ts";
import { deltaDialect } from "./dialect.ts";
import { Frames } from "./frames.ts";
import { SecretStore } from "./secrets.ts";
import { stateOf } from "./sync-state.ts";
import { Turns } from "./turns.ts";

const CALLER: Caller = {
  key: "default/web",
  pod: { namespace: "default", name: "web", uid: "1" },
  identity: "spiffe://cluster.local/ns/default/sa/web",
  view: {
    kind: "sidecar",
    namespace: "default",
    workload: "default/web",
    serviceAccount: "web",
    labels: {},
  },
};

const NO_SECRETS = {
  issue: () => Promise.reject(new Error("nobody asks for one")),
  trustBundle: () => ({ pem: "", version: "1" }),
  onRootChange: () => () => {},
};

const BAD = "bad";

const cluster = (version: string) =>
  encode("Cluster", { name: "a", body: { name: "a" }, clusters: [] }, version);

/** A proxy that asks for clusters, and takes no version that is called bad. */
class Scene extends EventEmitter {
  readonly #scopes = new HandMadeScopes();
  readonly #unanswered: (() => void)[] = [];
  readonly #connection: Connection;

  constructor() {
    super();
    const frames = new Frames();
    const hub = {
      scopes: this.#scopes,
      secrets: new SecretStore(NO_SECRETS, () => {}),
      frames,
      turns: new Turns(),
      changedFor: (connection: Connection) => connection.push(),
      closed: () => {},
      rejected: () => {},
    };
    this.#connection = new Connection(this, CALLER, { hub, dialect: deltaDialect(frames) });
    this.#scopes.onChange(() => this.#connection.push());
    this.emit("data", { typeUrl: TYPE_URLS.Cluster });
  }

  write(frame: Buffer, written: () => void): boolean {
    const { nonce, resources } = decodeDelta(unframed(frame));
    const isBad = resources.some(({ version }) => version === BAD);
    const error = isBad ? { errorDetail: { code: 13, message: "no" } } : {};
    this.#unanswered.push(() => {
      written();
      this.emit("data", { typeUrl: TYPE_URLS.Cluster, responseNonce: nonce, ...error });
    });
    return true;
  }

  end(): void {}

  /** The cluster is to be of that version, or gone. */
  change(version: string | undefined): string {
    this.#scopes.write({ Cluster: { a: version === undefined ? version : cluster(version) } });
    return this.#state;
  }

  /** The proxy answers one response. */
  answer(): string {
    const give = this.#unanswered.shift() ?? assert.fail("nothing was sent");
    give();
    return this.#state;
  }

  answerAll(): string {
    while (this.#unanswered.length > 0) this.answer();
    return this.#state;
  }

  get #state(): string {
    const [sync] = proxySyncs([this.#connection]);
    return stateOf(sync ?? assert.fail("it is connected"));
  }
}

test("a proxy that refused what is no longer there lacks nothing", () => {
  const proxy = new Scene();
  assert.equal(proxy.answer(), "synced");
  assert.equal(proxy.change(BAD), "stale");
  assert.equal(proxy.answer(), "rejected");
  assert.equal(proxy.answer(), "rejected", "it was tried once more");
  assert.equal(proxy.change(undefined), "synced");
});

test("a proxy that refused an edit lacks nothing when the edit is undone", () => {
  const proxy = new Scene();
  proxy.answer();
  proxy.change("1");
  assert.equal(proxy.answer(), "synced");
  proxy.change(BAD);
  assert.equal(proxy.answer(), "rejected");
  assert.equal(proxy.answer(), "rejected");
  assert.equal(proxy.change("1"), "synced");
});

test("what a proxy refused is lacking until it took what came instead", () => {
  const proxy = new Scene();
  proxy.answer();
  proxy.change(BAD);
  assert.equal(proxy.answer(), "rejected");
  assert.equal(proxy.answer(), "rejected");
  assert.equal(proxy.change("2"), "stale");
  assert.equal(proxy.answer(), "synced");
});

test("an edit that was undone before the proxy refused it is lacking until that is known", () => {
  const proxy = new Scene();
  proxy.answer();
  proxy.change(BAD);
  assert.equal(proxy.change(undefined), "stale");
  assert.equal(proxy.answer(), "stale");
  assert.equal(proxy.answerAll(), "synced");
});
