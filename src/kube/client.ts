/**
 * The only way to the API server: typed verbs over one transport. It decides nothing and retries
 * nothing (but a stale pooled connection): whoever calls knows what a failure means.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { apiVersionOf, type Kind, kindOf, pathOf } from "../api/kinds.ts";
import { type KubeObject, objectName } from "../api/object.ts";
import { ApiError } from "./error.ts";
import { type Credentials, podCredentials } from "./service-account.ts";
import { type Request, Transport } from "./transport.ts";

/** How long a request other than a watch may take; the API server itself gives up after 60 s. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface Ref {
  readonly name: string;
  readonly namespace?: string | undefined;
}

export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** The objects come with nothing but their metadata: for those who only need to know of them. */
  readonly metadataOnly?: boolean | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Where the next page starts; `undefined` on the last. */
  readonly next: string | undefined;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: T }
  | { readonly type: "ERROR"; readonly object: Status };

/** `meta/v1 Status`: what the API server says in place of an object. */
export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

export interface ApplyOptions {
  /** Who owns the fields that are applied. */
  readonly manager: string;
  /** Take fields over from other managers; otherwise a conflict is an error. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly subresource?: "status";
}

/** A delete that must hit the very object that was seen, not another of the same name. */
export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
}

/** Credentials from KUBECONFIG, ~/.kube/config or the pod's service account, in this order. */
export async function loadCredentials(): Promise<Credentials> {
  const { env } = process;
  const hasConfig = env["KUBECONFIG"] || existsSync(join(homedir(), ".kube/config"));
  const pod = hasConfig ? undefined : podCredentials(env);
  if (pod !== undefined) return pod;
  const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}

export class Client {
  readonly #transport: Transport;

  constructor(credentials: Credentials, { userAgent = "meshwright" } = {}) {
    this.#transport = new Transport(credentials, userAgent);
  }

  /** `undefined` if there is no such object (or no such kind). */
  async get<T extends KubeObject>(
    kind: Kind<T>,
    ref: Ref,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const request = {
      doing: `read ${named(kind, ref)}`,
      method: "GET",
      path: at(kind, ref),
    } as const;
    return (await this.#orMissing(request, signal)) as T | undefined;
  }

  /** All of them, page by page. */
  async list<T extends KubeObject>(
    kind: Kind<T>,
    selection: Selection = {},
    signal?: AbortSignal,
  ): Promise<readonly T[]> {
    const items: T[] = [];
    let from: string | undefined;
    do {
      const page: Page<T> = await this.page(kind, { ...selection, from }, signal);
      items.push(...page.items);
      from = page.next;
    } while (from !== undefined);
    return items;
  }

  async page<T extends KubeObject>(
    kind: Kind<T>,
    { from, metadataOnly, namespace, ...selectors }: Selection & { from?: string | undefined },
    signal?: AbortSignal,
  ): Promise<Page<T>> {
    const list = (await this.request(
      {
        doing: `list ${kind.kind}`,
        method: "GET",
        path: pathOf(kind, namespace),
        query: { ...query(selectors), limit: 500, continue: from },
        ...(metadataOnly && { accept: `${METADATA};as=PartialObjectMetadataList` }),
      },
      signal,
    )) as {
      readonly items?: readonly T[];
      readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
    };
    const type = { apiVersion: apiVersionOf(kind), kind: kind.kind };
    return {
      // Items of a list carry no apiVersion and kind of their own.
      items: (list.items ?? []).map((item) => ({ ...item, ...type })),
      resourceVersion: list.metadata?.resourceVersion ?? "",
      next: list.metadata?.continue || undefined,
    };
  }

  /**
   * Changes since `resourceVersion`, until the server ends the watch.
   *
   * @param heard called on each sign of life, so that the caller can tell idle from dead
   */
  async *watch<T extends KubeObject>(
    kind: Kind<T>,
    options: Selection & {
      readonly resourceVersion: string;
      readonly timeoutSeconds: number;
      readonly heard?: () => void;
    },
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const { namespace, heard, metadataOnly, resourceVersion, timeoutSeconds } = options;
    const type = { apiVersion: apiVersionOf(kind), kind: kind.kind };
    const request: Request = {
      doing: `watch ${kind.kind}`,
      method: "GET",
      path: pathOf(kind, namespace),
      query: {
        ...query(options),
        resourceVersion,
        timeoutSeconds,
        watch: true,
        allowWatchBookmarks: true,
      },
      ...(metadataOnly && { accept: `${METADATA};as=PartialObjectMetadata` }),
    };
    const response = await this.#transport.open(request, signal);
    heard?.();
    try {
      for await (const line of lines(response, heard)) {
        const event = JSON.parse(line) as WatchEvent<T>;
        yield metadataOnly && event.type !== "ERROR"
          ? { ...event, object: { ...event.object, ...type } }
          : event;
      }
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new ApiError(request.doing, { status: 0, reason: "Unreachable", message }, cause);
    }
  }

  async create<T extends KubeObject>(
    object: T,
    { dryRun = false, manager }: { dryRun?: boolean; manager?: string } = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const kind = kindOf(object);
    return (await this.request(
      {
        doing: `create ${objectName(object)}`,
        method: "POST",
        path: pathOf(kind, object.metadata.namespace),
        query: { dryRun: dryRun ? "All" : undefined, fieldManager: manager },
        body: object,
      },
      signal,
    )) as T;
  }

  /** Replaces the object as it was read: a change in between is a conflict (409). */
  async update<T extends KubeObject>(object: T, signal?: AbortSignal): Promise<T> {
    const path = at(kindOf(object), object.metadata);
    return (await this.request(
      { doing: `update ${objectName(object)}`, method: "PUT", path, body: object },
      signal,
    )) as T;
  }

  /** Server-side apply: creates the object, or makes the fields given here as they are here. */
  async apply<T extends KubeObject>(
    object: T,
    { manager, force = false, dryRun = false, subresource }: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    const path = at(kindOf(object), object.metadata) + (subresource ? `/${subresource}` : "");
    return (await this.request(
      {
        doing: `apply ${subresource ? `the ${subresource} of ` : ""}${objectName(object)}`,
        method: "PATCH",
        path,
        query: { fieldManager: manager, force, dryRun: dryRun ? "All" : undefined },
        body: object,
        contentType: "application/apply-patch+yaml",
      },
      signal,
    )) as T;
  }

  /** A JSON merge patch (RFC 7386); `resourceVersion` in it makes it conditional. */
  async merge<T extends KubeObject>(
    kind: Kind<T>,
    ref: Ref,
    patch: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    return (await this.request(
      {
        doing: `change ${named(kind, ref)}`,
        method: "PATCH",
        path: at(kind, ref),
        body: patch,
        contentType: "application/merge-patch+json",
      },
      signal,
    )) as T;
  }

  /** @returns false if there was nothing to delete */
  async remove(
    kind: Kind,
    ref: Ref,
    { uid, resourceVersion, propagation = "Background" }: Preconditions = {},
    signal?: AbortSignal,
  ): Promise<boolean> {
    const request: Request = {
      doing: `delete ${named(kind, ref)}`,
      method: "DELETE",
      path: at(kind, ref),
      body: { preconditions: { uid, resourceVersion }, propagationPolicy: propagation },
    };
    return (await this.#orMissing(request, signal)) !== undefined;
  }

  /** Anything else, e.g. `/readyz`, `/openid/v1/jwks`, a TokenReview. The parsed body. */
  async request(request: Request, signal?: AbortSignal): Promise<unknown> {
    const text = await this.text(request, signal);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }

  text(request: Request, signal?: AbortSignal): Promise<string> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    return this.#transport.text(request, signal ? AbortSignal.any([signal, timeout]) : timeout);
  }

  close(): void {
    this.#transport.close();
  }

  async #orMissing(request: Request, signal: AbortSignal | undefined): Promise<unknown> {
    try {
      return await this.request(request, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }
}

const METADATA = "application/json;g=meta.k8s.io;v=v1";

const query = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });

const named = ({ kind }: Kind, { name, namespace }: Ref): string =>
  `${kind} ${namespace ? `${namespace}/` : ""}${name}`;

const at = (kind: Kind, { name, namespace }: Ref): string =>
  `${pathOf(kind, namespace)}/${encodeURIComponent(name)}`;

/** The lines of a stream; a rest without an end of line is an interrupted event and is dropped. */
async function* lines(
  chunks: AsyncIterable<unknown>,
  heard: (() => void) | undefined,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    heard?.();
    const parts = (rest + decoder.decode(chunk as Buffer, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line !== "") yield line;
  }
}
