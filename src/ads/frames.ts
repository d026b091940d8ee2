import { encodeDelta } from "../proto/frame.ts";
import { TYPE_URLS } from "../proto/type-url.ts";
import type { EncodedResource, ResourceType } from "../xds/resource.ts";

/** A finished response: the same bytes, nonce included, go to every stream that is owed them. */
export interface Frame {
  readonly nonce: string;
  readonly bytes: Buffer;
}

/** More than this and a key costs more than the copy it saves. */
const MAX_SHARED_RESOURCES = 16;
const MAX_FRAMES = 256;

/** Encodes responses; what many streams are owed at one time is encoded once. */
export class Frames {
  #count = 0;
  readonly #recent = new Map<string, Frame>();

  encode(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame {
    // Secrets are one identity's alone, whatever their versions: never shared.
    if (type === "Secret" || resources.length + removed.length > MAX_SHARED_RESOURCES)
      return this.unshared(type, resources, removed);
    const key = `${type}\n${resources.map((r) => `${r.name}@${r.version}`).join("\n")}\n-${removed.join("\n-")}`;
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const frame = this.unshared(type, resources, removed);
    if (this.#recent.size >= MAX_FRAMES) this.#recent.clear();
    this.#recent.set(key, frame);
    return frame;
  }

  /** A frame with a nonce of its own. */
  unshared(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame {
    const nonce = (++this.#count).toString(36);
    return { nonce, bytes: encodeDelta({ typeUrl: TYPE_URLS[type], nonce, resources, removed }) };
  }
}
