import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { PROXY_KIND } from "../api/labels.ts";
import { TOKEN_AUDIENCE } from "../api/names.ts";
import { MeshError } from "../util/errors.ts";
import type { Log } from "../util/log.ts";
import type { ProxyView } from "../xds/view.ts";
import { findSoon, type PodInfo, type PodRef, type Pods } from "./pods.ts";

/** What the cluster says of its service account tokens. */
export interface TokenIssuer {
  /** The issuer's name and keys, from its discovery documents. */
  discover(): Promise<{ readonly issuer: string; readonly keys: JSONWebKeySet }>;
  /** Asks the API server (TokenReview); `undefined` if it refuses the token. */
  review(token: string, audience: string): Promise<TokenUser | undefined>;
}

/** Who a token was made for. */
export interface TokenUser {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
}

/** A connected proxy, as far as the cluster vouches for it. */
export interface Caller {
  /** `namespace/name` of the pod. */
  readonly key: string;
  readonly pod: PodRef;
  /** Its SPIFFE id. */
  readonly identity: string;
  readonly view: ProxyView;
}

export interface AuthOptions {
  readonly issuer: TokenIssuer;
  readonly pods: Pods;
  readonly trustDomain: string;
  readonly log: Log;
  /** How long a connection waits for the watch to see its pod, in milliseconds. */
  readonly podWaitMs?: number;
}

/** Why a token cannot be judged here, so that the API server must be asked. */
interface Doubt {
  readonly doubt: string;
}

interface Keys {
  readonly issuer: string;
  readonly find: JWTVerifyGetKey;
}

const POD_WAIT_MS = 5_000;
/** Keys and issuer are fetched again for a token with others, at most this often. */
const REDISCOVER_MS = 10_000;
/** How far our clock may be from the API server's: as far as the API server has it when it is asked. */
const CLOCK_TOLERANCE_S = 60;

/** Code of every refusal that is the caller's fault. */
export const UNAUTHENTICATED = "MESH0501";

const refused = (message: string, hint: string, cause?: unknown): MeshError =>
  new MeshError(UNAUTHENTICATED, message, { hint, cause });

const TOKEN_HINT = `send a service account token with audience ${TOKEN_AUDIENCE} as "authorization: Bearer …"`;

/** Turns the bearer token of a call into the proxy it belongs to. */
export class Authenticator {
  readonly #options: AuthOptions;
  #keys: Keys | undefined;
  #discovery: Promise<Keys | undefined> = Promise.resolve(undefined);
  #discoveredAt = Number.NEGATIVE_INFINITY;

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /**
   * @param authorization values of the call's `authorization` metadata
   * @throws MeshError MESH0501 with what is wrong, safe to show to the caller
   */
  async authenticate(authorization: readonly (string | Buffer)[]): Promise<Caller> {
    const token = bearerToken(authorization);
    const user = await this.#user(token);
    const { namespace, serviceAccount, pod } = user;
    if (pod === undefined)
      throw refused(`the token of ${namespace}/${serviceAccount} is bound to no pod`, TOKEN_HINT);
    const ref = { namespace, ...pod };
    const found = await findSoon(this.#options.pods, ref, this.#options.podWaitMs ?? POD_WAIT_MS);
    if (found === undefined || found.serviceAccount !== serviceAccount)
      throw refused(
        `pod ${namespace}/${pod.name} with uid ${pod.uid} and service account ${serviceAccount} is not known here`,
        "a token of a pod that is gone is refused; if the pod exists, the control plane's watch of pods is behind",
      );
    return caller(found, this.#options.trustDomain);
  }

  /** Fetches the keys before the first proxy asks. */
  async warmUp(): Promise<void> {
    await this.#discover();
  }

  async #user(token: string): Promise<TokenUser> {
    const judged = await this.#verify(token);
    if (!("doubt" in judged)) return judged;
    const user = await this.#options.issuer.review(token, TOKEN_AUDIENCE);
    if (user === undefined)
      throw refused(`the API server refused the token: ${judged.doubt}`, TOKEN_HINT);
    return user;
  }

  /** The cluster's keys and issuer may be others by now: they are looked up once more. */
  async #verify(token: string): Promise<TokenUser | Doubt> {
    const keys = this.#keys ?? (await this.#discover());
    if (keys === undefined) return { doubt: "keys cannot be had here" };
    const outcome = await verifyWith(token, keys);
    if (!("doubt" in outcome)) return outcome;
    const newer = await this.#discover();
    return newer === undefined ? outcome : verifyWith(token, newer);
  }

  /** Fetches the keys, once for all who ask meanwhile, and not too often. */
  #discover(): Promise<Keys | undefined> {
    if (performance.now() - this.#discoveredAt >= REDISCOVER_MS) {
      this.#discoveredAt = performance.now();
      this.#discovery = this.#fetchKeys();
    }
    return this.#discovery;
  }

  async #fetchKeys(): Promise<Keys | undefined> {
    try {
      const { issuer, keys } = await this.#options.issuer.discover();
      this.#keys = { issuer, find: createLocalJWKSet(keys) };
    } catch (error) {
      // Discovery may be closed to us, or the API server away: tokens are then reviewed one by one.
      this.#options.log.warn(`tokens are checked by the API server, not here: ${String(error)}`);
    }
    return this.#keys;
  }
}

/** Everything else than an unknown key or issuer is the token's fault. */
async function verifyWith(token: string, { issuer, find }: Keys): Promise<TokenUser | Doubt> {
  try {
    const { payload } = await jwtVerify(token, find, {
      audience: TOKEN_AUDIENCE,
      clockTolerance: CLOCK_TOLERANCE_S,
    });
    // An API server takes tokens of several issuers, and names one of them. Looked at last, so that
    // nobody is asked about a token that is bad anyway.
    return payload.iss === issuer ? userOf(payload) : { doubt: 'unexpected "iss" claim value' };
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return { doubt: error.message };
    if (error instanceof errors.JOSEError)
      throw refused(`the token is not valid: ${error.message}`, TOKEN_HINT, error);
    throw error;
  }
}

function bearerToken(authorization: readonly (string | Buffer)[]): string {
  const [value] = authorization;
  const [, token] = /^Bearer (\S+)$/i.exec(String(value ?? "").trim()) ?? [];
  if (token === undefined) throw refused("the call carries no bearer token", TOKEN_HINT);
  return token;
}

interface KubernetesClaims {
  readonly namespace?: string;
  readonly serviceaccount?: { readonly name?: string };
  readonly pod?: { readonly name?: string; readonly uid?: string };
}

function userOf(payload: JWTPayload): TokenUser {
  const claims = payload["kubernetes.io"] as KubernetesClaims | undefined;
  const { namespace, serviceaccount, pod } = claims ?? {};
  if (!namespace || !serviceaccount?.name)
    throw refused("the token has no kubernetes.io claims", TOKEN_HINT);
  return {
    namespace,
    serviceAccount: serviceaccount.name,
    pod: pod?.name && pod.uid ? { name: pod.name, uid: pod.uid } : undefined,
  };
}

/** Identity and view of a pod's proxy: from the cluster's own record of it alone. */
export function caller(pod: PodInfo, trustDomain: string): Caller {
  const { namespace, name, uid, serviceAccount, labels, node, locality } = pod;
  const key = `${namespace}/${name}`;
  return {
    key,
    pod: { namespace, name, uid },
    identity: `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`,
    view: {
      kind: labels[PROXY_KIND] === "gateway" ? "gateway" : "sidecar",
      namespace,
      workload: key,
      serviceAccount,
      labels,
      node,
      locality,
    },
  };
}
