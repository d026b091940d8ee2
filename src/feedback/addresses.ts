/**
 * Addresses for hosts of ServiceEntries that have none, so that each has its own listener: pure but
 * for what it remembers. They stand in the status, which is where a next leader finds them.
 */
import { createHash } from "node:crypto";
import type { AllocatedAddresses, ServiceEntry } from "../api/kinds.ts";

export interface Address {
  readonly value: string;
  readonly host: string;
}

/** What an object wants, and has. */
export interface Allocation {
  readonly hosts: readonly string[];
  readonly held: readonly Address[];
}

const OPT_OUT = "networking.istio.io/enable-autoallocate-ip";
/** 240.240.0.0/16 without its first and last: nobody routes to it, so nothing is hidden. */
const FIRST = 1;
const SIZE = 65_534;

/** No hosts if the object has its own addresses, or is not to have any. */
export function allocationOf({ metadata, spec, status }: ServiceEntry): Allocation {
  const { addresses = [], resolution = "NONE", hosts = [] } = spec ?? {};
  const isWanted =
    addresses.length === 0 &&
    resolution !== "NONE" &&
    metadata.labels?.[OPT_OUT]?.toLowerCase() !== "false";
  return {
    hosts: isWanted ? hosts.map((h) => h.toLowerCase()).filter((h) => !h.includes("*")) : [],
    held: addressesIn(status),
  };
}

const addressesIn = ({ addresses = [] }: AllocatedAddresses = {}): readonly Address[] =>
  addresses.flatMap(({ value, host }) =>
    value === undefined || host === undefined ? [] : [{ value, host }],
  );

/** Who has which address: two objects never have one. */
export class AddressPool {
  readonly #owners = new Map<string, string>();
  readonly #held = new Map<string, readonly string[]>();

  /** What an object's status says it has; of two with one address the first that is noted keeps it. */
  note(id: string, held: readonly Address[]): void {
    this.release(id);
    const own = held
      .map(({ value }) => value)
      .filter((value) => (this.#owners.get(value) ?? id) === id);
    for (const value of own) this.#owners.set(value, id);
    this.#held.set(id, own);
  }

  release(id: string): void {
    for (const value of this.#held.get(id) ?? []) this.#owners.delete(value);
    this.#held.delete(id);
  }

  /** What the object should have: of each host what it has already, if it is the object's own. */
  allocate(id: string, { hosts, held }: Allocation, ipv6: boolean): readonly Address[] {
    const wanted = hosts.flatMap((host) => [
      ...this.#addressFor({ id, host, held, format: ipv4 }),
      ...(ipv6 ? this.#addressFor({ id, host, held, format: ipv6Of }) : []),
    ]);
    this.note(id, wanted);
    return wanted;
  }

  #addressFor({ id, host, held, format }: Wanted): readonly Address[] {
    const before = held.find(
      (one) => one.host === host && format.has(one.value) && this.#owners.get(one.value) === id,
    );
    const value = before?.value ?? this.#free(`${id} ${host}`, (index) => format.of(index));
    if (value === undefined) return [];
    this.#owners.set(value, id);
    return [{ value, host }];
  }

  /** Where a name leads to as a rule, so that what is made again is as it was. */
  #free(name: string, of: (index: number) => string): string | undefined {
    const start = createHash("sha256").update(name).digest().readUInt32BE(0) % SIZE;
    for (let step = 0; step < SIZE; step += 1) {
      const value = of(FIRST + ((start + step) % SIZE));
      if (!this.#owners.has(value)) return value;
    }
    return undefined;
  }
}

interface Format {
  of(index: number): string;
  has(value: string): boolean;
}

interface Wanted {
  readonly id: string;
  readonly host: string;
  readonly held: readonly Address[];
  readonly format: Format;
}

const ipv4: Format = {
  of: (index) => `240.240.${index >> 8}.${index & 0xff}`,
  has: (value) => value.startsWith("240.240."),
};

const ipv6Of: Format = {
  of: (index) => `2001:2::${index.toString(16)}`,
  has: (value) => value.startsWith("2001:2:"),
};
