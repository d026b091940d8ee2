/**
 * A state-of-the-world stream in the words of the incremental protocol, so that one session serves
 * both: a list of names becomes what is new in it and what is missing from it.
 */
import type {
  DeltaDiscoveryRequest,
  DiscoveryRequest,
} from "../../proto/gen/envoy/service/discovery/v3/discovery.ts";
import { resourceTypeOf } from "../../proto/type-url.ts";
import type { ResourceType } from "../../xds/resource.ts";
import type { Call } from "../stream.ts";
import { isWhole, StateFrames } from "./frames.ts";

/** The part of a gRPC call that is used. */
export interface StateCall extends Omit<Call, "on"> {
  on(event: "data", listener: (request: DiscoveryRequest) => void): unknown;
  on(event: "end" | "cancelled" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** What the client asks for of one type. */
interface Asked {
  readonly names: ReadonlySet<string>;
  /** Whether it has never named anything. */
  readonly isUnnamed: boolean;
}

const ALL = "*";

export class SotwCall implements Call {
  readonly frames = new StateFrames((type, name) => this.#wants(type, name));
  readonly #call: StateCall;
  readonly #asked = new Map<ResourceType, Asked>();
  #listener: (request: DeltaDiscoveryRequest) => void = () => {};

  constructor(call: StateCall) {
    this.#call = call;
  }

  on(event: "data", listener: (request: DeltaDiscoveryRequest) => void): unknown;
  on(event: "end" | "cancelled" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(
    event: "data" | "end" | "cancelled" | "close" | "error",
    listener: (value: never) => void,
  ): unknown {
    if (event !== "data") return this.#call.on(event as "error", listener as () => void);
    this.#listener = listener as (request: DeltaDiscoveryRequest) => void;
    return this.#call.on("data", (request) => this.receive(request));
  }

  /** Also for what was received before anybody listened. */
  receive(request: DiscoveryRequest): void {
    const type = resourceTypeOf(request.typeUrl ?? "");
    const said = type && this.#translate(type, request);
    if (said !== undefined) this.#listener(said);
  }

  write(frame: Buffer, written: () => void): boolean {
    return this.#call.write(frame, written);
  }

  end(): void {
    this.#call.end();
  }

  #wants(type: ResourceType, name: string): boolean {
    const names = this.#asked.get(type)?.names;
    return names !== undefined && (names.has(ALL) || names.has(name));
  }

  #translate(type: ResourceType, request: DiscoveryRequest): DeltaDiscoveryRequest | undefined {
    const { typeUrl, responseNonce = "", errorDetail } = request;
    // It crossed a newer response on the wire; the answer to that says all that this one does.
    if (responseNonce !== this.frames.newest(type)) return undefined;
    const before = this.#asked.get(type);
    const asked = askedFor(type, new Set(request.resourceNames), before);
    if (asked === undefined) return undefined;
    this.#asked.set(type, asked);
    if (responseNonce !== "") this.frames.settled(type, responseNonce, errorDetail === undefined);
    const known = before?.names ?? new Set();
    return {
      typeUrl,
      responseNonce,
      errorDetail,
      resourceNamesSubscribe: [...asked.names.difference(known)],
      resourceNamesUnsubscribe: [...known.difference(asked.names)],
    };
  }
}

/** Who has never named anything means everything, of the types of which that can be had. */
function askedFor(
  type: ResourceType,
  names: ReadonlySet<string>,
  before: Asked | undefined,
): Asked | undefined {
  const isUnnamed = names.size === 0 && (before?.isUnnamed ?? true);
  if (!isUnnamed) return { names, isUnnamed };
  return isWhole(type) ? { names: new Set([ALL]), isUnnamed } : undefined;
}
