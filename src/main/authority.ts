import type * as kube from "../api/gen/kubernetes.ts";
import type { Live } from "../api/kinds.ts";
import { CACERTS_SECRET } from "../api/names.ts";
import { objectName } from "../api/object.ts";
import { Authority } from "../ca/authority.ts";
import { type Cacerts, loadIssuer } from "../ca/root.ts";
import type { Sink } from "../store/sink.ts";
import { errorFields, type Log } from "../util/log.ts";

type Secret = Live<kube.Secret>;

/** An authority that follows its Secret: it starts with the first good content and keeps the last. */
export class AuthorityFollower implements Sink<Secret> {
  readonly #first = Promise.withResolvers<Authority>();
  readonly #workloadTtlMs: number;
  readonly #log: Log;
  #authority: Authority | undefined;

  constructor(options: { readonly workloadTtlMs: number; readonly log: Log }) {
    this.#workloadTtlMs = options.workloadTtlMs;
    this.#log = options.log;
  }

  /** Resolves when there is a CA to sign with. */
  get ready(): Promise<Authority> {
    return this.#first.promise;
  }

  replace(secrets: readonly Secret[]): void {
    const [secret] = secrets;
    if (secret !== undefined) this.upsert(secret);
    else this.#log.warn(`waiting for Secret ${CACERTS_SECRET}: the operator makes it`);
  }

  upsert(secret: Secret): void {
    this.#load(secret).catch((error: unknown) => {
      // What is loaded goes on signing: a broken Secret must not stop the mesh.
      this.#log.error(String(error), errorFields(error));
    });
  }

  remove(key: string): void {
    this.#log.warn(`Secret ${key} is gone; signing goes on with what was in it`);
  }

  async #load(secret: Secret): Promise<void> {
    const issuer = await loadIssuer(filesOf(secret), {
      source: objectName(secret),
      now: new Date(),
    });
    if (this.#authority !== undefined) {
      this.#authority.replace(issuer);
      return;
    }
    const options = { workloadTtlMs: this.#workloadTtlMs, now: () => new Date() };
    this.#authority = new Authority(issuer, options);
    this.#first.resolve(this.#authority);
  }
}

function filesOf({ data = {} }: Secret): Partial<Cacerts> {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value, "base64").toString()]),
  );
}
