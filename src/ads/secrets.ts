import { ROOT_SECRET, WORKLOAD_SECRET } from "../api/names.ts";
import type { Secret } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { encode } from "../xds/encode.ts";
import type { EncodedResource, ResourceSet } from "../xds/resource.ts";

/** A certificate of one workload identity, with the key that only its proxies get. */
export interface IssuedSecret {
  readonly certChainPem: string;
  readonly keyPem: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The mesh's certificate authority, as far as serving secrets needs it. */
export interface WorkloadSecrets {
  /** @param identity `spiffe://<trustDomain>/ns/<namespace>/sa/<serviceAccount>` */
  issue(identity: string): Promise<IssuedSecret>;
  /** What proxies trust: PEM, and a version that changes with it. */
  trustBundle(): { readonly pem: string; readonly version: string };
  onRootChange(listener: () => void): () => void;
}

/** A workload's certificate is replaced after this much of its life, earliest and latest. */
const RENEW_FROM = 0.5;
const RENEW_UNTIL = 0.8;
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
/** The longest delay that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a version of the workload secret says, so that any replica can judge it. */
interface Validity {
  readonly root: string;
  readonly renewAt: number;
  readonly notAfter: number;
}

/** Secrets of one identity, shared by all its proxies that are connected here. */
class IdentitySecrets {
  readonly #identity: string;
  readonly #secrets: WorkloadSecrets;
  readonly #onError: (message: string) => void;
  readonly users = new Set<() => void>();
  #generation = 0;
  #certificate: EncodedResource | undefined;
  #set: ResourceSet;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isIssuing = false;

  constructor(identity: string, secrets: WorkloadSecrets, onError: (message: string) => void) {
    this.#identity = identity;
    this.#secrets = secrets;
    this.#onError = onError;
    this.#set = this.#compose();
  }

  /** What there is; a certificate is made as soon as somebody looks for one. */
  current(): ResourceSet {
    if (this.#certificate === undefined && this.#timer === undefined) this.renew();
    return this.#set;
  }

  trustOnly(): ResourceSet {
    return this.#set;
  }

  renew(): void {
    if (this.#isIssuing) return;
    this.#isIssuing = true;
    clearTimeout(this.#timer);
    this.#issue().then(
      (delayMs) => this.#settle(delayMs),
      (error: unknown) => {
        this.#failures += 1;
        this.#onError(`no certificate for ${this.#identity}: ${String(error)}; trying again`);
        this.#settle(Math.min(RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS));
      },
    );
  }

  /** The root changed: the bundle at once, the certificate as soon as it is made. */
  refresh(): void {
    this.#publish();
    if (this.#certificate !== undefined) this.renew();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #settle(delayMs: number): void {
    this.#isIssuing = false;
    if (this.users.size === 0) return;
    if (delayMs === 0) return this.renew();
    this.#timer = setTimeout(() => this.renew(), Math.min(delayMs, MAX_TIMER_MS)).unref();
  }

  /** @returns when to do it again, in milliseconds from now: at once if the root changed meanwhile */
  async #issue(): Promise<number> {
    const root = this.#secrets.trustBundle().version;
    const { certChainPem, keyPem, notBefore, notAfter } = await this.#secrets.issue(this.#identity);
    const share = RENEW_FROM + Math.random() * (RENEW_UNTIL - RENEW_FROM);
    const lifeMs = notAfter.getTime() - notBefore.getTime();
    const renewAt = notBefore.getTime() + lifeMs * share;
    const version = formatVersion({ root, renewAt, notAfter: notAfter.getTime() });
    this.#certificate = secret(WORKLOAD_SECRET, version, {
      name: WORKLOAD_SECRET,
      tlsCertificate: {
        certificateChain: { inlineString: certChainPem },
        privateKey: { inlineString: keyPem },
      },
    });
    this.#failures = 0;
    this.#publish();
    if (this.#secrets.trustBundle().version !== root) return 0;
    return Math.max(renewAt - Date.now(), RETRY_MS);
  }

  #publish(): void {
    this.#set = this.#compose();
    for (const notify of this.users) notify();
  }

  #compose(): ResourceSet {
    const { pem, version } = this.#secrets.trustBundle();
    const root = secret(ROOT_SECRET, version, {
      name: ROOT_SECRET,
      validationContext: { trustedCa: { inlineString: pem } },
    });
    const all = this.#certificate === undefined ? [root] : [root, this.#certificate];
    return {
      generation: ++this.#generation,
      resources: new Map(all.map((resource) => [resource.name, resource])),
      changedSince: () => undefined,
    };
  }
}

/** One proxy's view of its identity's secrets. */
export interface ProxySecrets {
  current(): ResourceSet;
  /** The client has this version of its certificate: nothing is made or sent while it is good. */
  adopt(version: string): void;
  /** The client wants the certificate itself. */
  disown(): void;
  release(): void;
}

/** Certificates of every identity that has a proxy connected to this replica. */
export class SecretStore {
  readonly #secrets: WorkloadSecrets;
  readonly #onError: (message: string) => void;
  readonly #identities = new Map<string, IdentitySecrets>();

  constructor(secrets: WorkloadSecrets, onError: (message: string) => void) {
    this.#secrets = secrets;
    this.#onError = onError;
    secrets.onRootChange(() => {
      for (const identity of this.#identities.values()) identity.refresh();
    });
  }

  acquire(identity: string, onChange: () => void): ProxySecrets {
    const shared =
      this.#identities.get(identity) ?? new IdentitySecrets(identity, this.#secrets, this.#onError);
    this.#identities.set(identity, shared);
    let adopted: Adopted | undefined;
    const notify = (): void => onChange();
    shared.users.add(notify);
    return {
      current: () => {
        const set = adopted?.over(shared.trustOnly(), this.#secrets.trustBundle().version);
        return set ?? shared.current();
      },
      adopt: (version) => {
        adopted = Adopted.from(version, notify);
      },
      disown: () => {
        adopted?.close();
        adopted = undefined;
      },
      release: () => {
        adopted?.close();
        shared.users.delete(notify);
        if (shared.users.size > 0) return;
        shared.close();
        this.#identities.delete(identity);
      },
    };
  }
}

/** A certificate that a client brought from another replica, and that is still good. */
class Adopted {
  readonly #version: string;
  readonly #validity: Validity;
  readonly #timer: NodeJS.Timeout;
  #over: { readonly trust: ResourceSet; readonly set: ResourceSet } | undefined;

  private constructor(version: string, validity: Validity, onDue: () => void) {
    this.#version = version;
    this.#validity = validity;
    const delayMs = Math.min(validity.renewAt - Date.now(), MAX_TIMER_MS);
    this.#timer = setTimeout(onDue, delayMs).unref();
  }

  static from(version: string, onDue: () => void): Adopted | undefined {
    const validity = parseVersion(version);
    return validity === undefined ? undefined : new Adopted(version, validity, onDue);
  }

  /** The trust bundle and the client's own certificate; `undefined` once that is to be renewed. */
  over(trust: ResourceSet, root: string): ResourceSet | undefined {
    if (this.#validity.root !== root || Date.now() >= this.#validity.renewAt) return undefined;
    if (this.#over?.trust !== trust) {
      const own = { name: WORKLOAD_SECRET, version: this.#version, bytes: EMPTY, clusters: [] };
      const resources = new Map([...trust.resources, [WORKLOAD_SECRET, own]]);
      this.#over = { trust, set: { ...trust, resources } };
    }
    return this.#over.set;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

const EMPTY = new Uint8Array();

/** Root and times, no content: a replica without the key can tell that the certificate is good. */
function formatVersion({ root, renewAt, notAfter }: Validity): string {
  return `${root}.${Math.round(renewAt / 1000)}.${Math.round(notAfter / 1000)}`;
}

function parseVersion(version: string): Validity | undefined {
  const [, root, renewAt, notAfter] = /^(.+)\.(\d+)\.(\d+)$/.exec(version) ?? [];
  if (root === undefined) return undefined;
  return { root, renewAt: Number(renewAt) * 1000, notAfter: Number(notAfter) * 1000 };
}

function secret(name: string, version: string, body: Secret): EncodedResource {
  return encode("Secret", { name, body, clusters: [] }, version);
}
