/** The cluster's own resolver, to which everything goes that is not the mesh's. */
import { createSocket, type SocketType } from "node:dgram";
import { once } from "node:events";
import { encode, RECURSION_DESIRED } from "dns-packet";
import { familyOf } from "./question.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ResolverOptions {
  /** In the order of preference, as in resolv.conf. */
  readonly addresses: readonly Address[];
  /** A name that it knows without asking others. */
  readonly probeName: string;
}

/** Shorter than a proxy waits for word of our health. */
const PROBE_MS = 700;
/** For how long a probe's outcome stands. */
const FRESH_MS = 1_500;

export const socketType = ({ host }: Address): SocketType => `udp${familyOf(host)}`;

/** Which of its addresses answers; found by asking, and asked again only when somebody wants to know. */
export class Resolver {
  readonly #options: ResolverOptions;
  #current: Address | undefined;
  #probe: { readonly outcome: Promise<boolean>; readonly at: number } | undefined;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#current = options.addresses[0];
  }

  /** The first that answered when last asked; `undefined` if there is none at all. */
  get current(): Address | undefined {
    return this.#current;
  }

  /** Whether some address answers, whatever it says. */
  isAnswering(): Promise<boolean> {
    const now = performance.now();
    if (this.#probe === undefined || now - this.#probe.at > FRESH_MS)
      this.#probe = { outcome: this.#ask(), at: now };
    return this.#probe.outcome;
  }

  async #ask(): Promise<boolean> {
    const { addresses, probeName } = this.#options;
    const heard = await Promise.all(addresses.map((address) => answers(address, probeName)));
    const first = heard.indexOf(true);
    if (first !== -1) this.#current = addresses[first];
    return first !== -1;
  }
}

async function answers(address: Address, name: string): Promise<boolean> {
  const socket = createSocket(socketType(address));
  const id = Math.floor(Math.random() * 65_536);
  const query = encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type: "A", name }],
  });
  try {
    socket.send(query, address.port, address.host);
    const signal = AbortSignal.timeout(PROBE_MS);
    await once(socket, "message", { signal });
    return true;
  } catch {
    // Silence or a refusal: the answer is no.
    return false;
  } finally {
    socket.close();
  }
}
