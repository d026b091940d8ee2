/**
 * Responses of the state-of-the-world protocol, made from what a session says has changed. Of
 * listeners and clusters each response holds all that the client asked for and exists: what is not
 * in it is gone. Of the other types it holds what changed, and the client keeps the rest.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#grouping-resources-into-responses
 */
import { hash } from "node:crypto";
import { anyOf } from "../../proto/delta.ts";
import { encodeState } from "../../proto/frame.ts";
import { TYPE_URLS } from "../../proto/type-url.ts";
import type { EncodedResource, ResourceType } from "../../xds/resource.ts";
import type { Frame, FrameSource } from "../frames.ts";

/** Types of which a response is all there is. */
const WHOLE: ReadonlySet<ResourceType> = new Set(["Listener", "Cluster"]);

export const isWhole = (type: ResourceType): boolean => WHOLE.has(type);

type Content = ReadonlyMap<string, EncodedResource>;

/** One client's responses: they repeat what the client has, so they are its own. */
export class StateFrames implements FrameSource {
  readonly inTurn = true;
  readonly #wants: (type: ResourceType, name: string) => boolean;
  /** What the client has of the types that are sent whole. */
  readonly #accepted = new Map<ResourceType, Content>();
  /** What it will have if it accepts the response that is under way. */
  readonly #offered = new Map<
    ResourceType,
    { readonly nonce: string; readonly content: Content }
  >();
  readonly #newest = new Map<ResourceType, string>();
  #count = 0;

  /** @param wants whether the client asks for the name now */
  constructor(wants: (type: ResourceType, name: string) => boolean) {
    this.#wants = wants;
  }

  /** @returns a frame without bytes if the protocol has no words for it: that something is gone */
  encode(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame {
    const nonce = (++this.#count).toString(36);
    if (!isWhole(type) && resources.length === 0) return { nonce, bytes: Buffer.alloc(0) };
    this.#newest.set(type, nonce);
    const content = isWhole(type) ? this.#offer(type, nonce, { resources, removed }) : resources;
    return { nonce, bytes: encoded(type, nonce, content) };
  }

  unshared(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame {
    return this.encode(type, resources, removed);
  }

  /** The nonce of the newest response, which the client's next request must name; empty at first. */
  newest(type: ResourceType): string {
    return this.#newest.get(type) ?? "";
  }

  /** The client answered; what it rejected, it does not have. */
  settled(type: ResourceType, nonce: string, isAccepted: boolean): void {
    const offered = this.#offered.get(type);
    if (offered?.nonce !== nonce) return;
    this.#offered.delete(type);
    if (isAccepted) this.#accepted.set(type, offered.content);
  }

  #offer(
    type: ResourceType,
    nonce: string,
    change: { readonly resources: readonly EncodedResource[]; readonly removed: readonly string[] },
  ): readonly EncodedResource[] {
    const content = new Map(this.#accepted.get(type));
    for (const name of content.keys()) if (!this.#wants(type, name)) content.delete(name);
    for (const name of change.removed) content.delete(name);
    for (const resource of change.resources) content.set(resource.name, resource);
    this.#offered.set(type, { nonce, content });
    return [...content.values()];
  }
}

function encoded(type: ResourceType, nonce: string, resources: readonly EncodedResource[]): Buffer {
  return encodeState({
    typeUrl: TYPE_URLS[type],
    nonce,
    version: versionOf(resources),
    resources: resources.map(({ bytes }) => anyOf(bytes)),
  });
}

/** Of content, not of time: replicas that say the same say it under one version. */
function versionOf(resources: readonly EncodedResource[]): string {
  const content = resources.map(({ name, version }) => `${name} ${version}`).sort();
  return hash("sha256", content.join("\n"), "base64url").slice(0, 16);
}
