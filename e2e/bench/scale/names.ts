/** Names by number, so that what hundreds of proxies of one process hold is a bit for each. */
class Names {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#names.push(name) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  nameOf(number: number): string {
    return this.#names[number] ?? "";
  }
}

export const names = new Names();

const START = 1_024;

/** Such numbers by such numbers, in a form that garbage collection does not walk. */
export class NumberMap {
  /** One more than the value; 0 is none. */
  #values = new Int32Array(START);

  get(key: number): number | undefined {
    const value = this.#values[key] ?? 0;
    return value === 0 ? undefined : value - 1;
  }

  set(key: number, value: number | undefined): void {
    if (key >= this.#values.length) this.#grow(key);
    this.#values[key] = value === undefined ? 0 : value + 1;
  }

  includes(value: number): boolean {
    return this.#values.includes(value + 1);
  }

  #grow(atLeast: number): void {
    const values = new Int32Array(Math.max(atLeast + 1, 2 * this.#values.length));
    values.set(this.#values);
    this.#values = values;
  }
}

/** A set of such numbers. */
export class NumberSet {
  #bits = new Uint8Array(START);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(number: number): boolean {
    return ((this.#bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  add(number: number): void {
    if (this.has(number)) return;
    if (number >> 3 >= this.#bits.length) this.#grow(number >> 3);
    this.#bits[number >> 3] = (this.#bits[number >> 3] ?? 0) | (1 << (number & 7));
    this.#size += 1;
  }

  delete(number: number): void {
    if (!this.has(number)) return;
    this.#bits[number >> 3] = (this.#bits[number >> 3] ?? 0) & ~(1 << (number & 7));
    this.#size -= 1;
  }

  holdsAllOf(other: NumberSet): boolean {
    return other.#bits.every((bits, i) => (bits & ~(this.#bits[i] ?? 0)) === 0);
  }

  #grow(atLeast: number): void {
    const bits = new Uint8Array(Math.max(atLeast + 1, 2 * this.#bits.length));
    bits.set(this.#bits);
    this.#bits = bits;
  }
}
