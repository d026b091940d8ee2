import { encodeDelta } from "../proto/frame.ts";
import { TYPE_URLS } from "../proto/type-url.ts";
import type { EncodedResource, ResourceType } from "../xds/resource.ts";

/** A finished response: the same bytes, nonce included, go to every stream that is owed them. */
export interface Frame {
  readonly nonce: string;
  /** With gRPC's prefix; empty if there is nothing to send. */
  readonly bytes: Buffer;
}

/** What makes a client's responses. */
export interface FrameSource {
  /** Whether the client must have answered a response before it gets another of that type. */
  readonly inTurn: boolean;
  encode(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame;
  /** Of an array that many clients are sent and nobody changes, for as long as there is that array. */
  whole?(type: ResourceType, resources: readonly EncodedResource[]): Frame;
  /** With a nonce of its own. A frame without bytes is not sent, and counts as accepted. */
  unshared(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame;
}

interface Shared extends Frame {
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** The full configuration of a few scopes, in frames of 50 kB; a change may be a megabyte. */
const MAX_FRAMES = 256;
const MAX_BYTES = 16 * 1024 * 1024;

/** Encodes responses; what many streams are owed at one time is encoded once. */
export class Frames implements FrameSource {
  readonly inTurn = false;
  #count = 0;
  /** By the first resource in it, the oldest first. */
  readonly #recent = new Map<EncodedResource, Shared>();
  /** Of all of those. */
  #recentBytes = 0;
  readonly #whole = new WeakMap<readonly EncodedResource[], Frame>();

  whole(type: ResourceType, resources: readonly EncodedResource[]): Frame {
    const frame = this.#whole.get(resources) ?? this.unshared(type, resources, []);
    this.#whole.set(resources, frame);
    return frame;
  }

  encode(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame {
    const [first] = resources;
    // Secrets are one identity's alone, whatever their versions: never shared.
    if (type === "Secret" || first === undefined) return this.unshared(type, resources, removed);
    const known = this.#recent.get(first);
    if (known !== undefined && same(known.resources, resources) && same(known.removed, removed))
      return known;
    const frame = { ...this.unshared(type, resources, removed), resources, removed };
    this.#drop(first);
    this.#recent.set(first, frame);
    this.#recentBytes += frame.bytes.length;
    this.#makeRoom();
    return frame;
  }

  /** The newest stays, however large: many may be owed it now. */
  #makeRoom(): void {
    for (const oldest of this.#recent.keys()) {
      const { size } = this.#recent;
      if (size <= 1 || (size <= MAX_FRAMES && this.#recentBytes <= MAX_BYTES)) return;
      this.#drop(oldest);
    }
  }

  #drop(first: EncodedResource): void {
    this.#recentBytes -= this.#recent.get(first)?.bytes.length ?? 0;
    this.#recent.delete(first);
  }

  unshared(
    type: ResourceType,
    resources: readonly EncodedResource[],
    removed: readonly string[],
  ): Frame {
    const nonce = (++this.#count).toString(36);
    return { nonce, bytes: encodeDelta({ typeUrl: TYPE_URLS[type], nonce, resources, removed }) };
  }
}

/** By identity: streams of one scope hold the very same resources. */
function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
