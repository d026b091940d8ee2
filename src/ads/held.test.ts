import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HandMadeScopes } from "../testing/scopes.ts";
import type { EncodedResource } from "../xds/resource.ts";
import { Holding } from "./held.ts";

const NAMES = ["a", "b", "c", "d"];
const made = (name: string, version: string): EncodedResource => ({
  name,
  version,
  bytes: new Uint8Array(),
  clusters: [],
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant("write" as const),
    name: fc.constantFrom(...NAMES),
    version: fc.option(fc.constantFrom("1", "2"), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("send" as const), name: fc.constantFrom(...NAMES) }),
  fc.record({ kind: fc.constantFrom("rebase" as const, "estrange" as const) }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A holding beside a plain map of what the client was sent. */
class Scene {
  readonly holding = new Holding();
  readonly plain = new Map<string, string>();
  readonly #scopes = new HandMadeScopes();
  target = this.#scopes.of("Cluster");

  rebase(): void {
    this.target = this.#scopes.of("Cluster");
    this.holding.rebase(this.target, isWanted);
  }

  take(one: Step): void {
    if (one.kind === "write") {
      const next = one.version && made(one.name, one.version);
      this.#scopes.write({ Cluster: { [one.name]: next } });
    } else if (one.kind === "send") this.#send(one.name);
    else if (one.kind === "estrange") this.holding.estrange();
    else this.rebase();
  }

  #send(name: string): void {
    if (!isWanted(name)) return;
    this.holding.settle(name);
    const sent = this.target.resources.get(name);
    if (sent === undefined) this.plain.delete(name);
    else this.plain.set(name, sent.version);
  }
}

const isWanted = (name: string): boolean => name !== "d";

test("a cursor over shared generations says what a map of one's own would say", () => {
  fc.assert(
    fc.property(fc.array(step, { size: "max", maxLength: 60 }), (steps) => {
      const scene = new Scene();
      scene.holding.start(scene.target);
      for (const one of steps) scene.take(one);
      scene.rebase();
      const { holding, plain, target } = scene;
      for (const name of NAMES.filter(isWanted)) {
        assert.equal(holding.held(name)?.version, plain.get(name), `what is held of ${name}`);
        const differs = plain.get(name) !== target.resources.get(name)?.version;
        assert.equal(holding.deviations.has(name), differs, `whether ${name} is left to do`);
      }
    }),
  );
});
