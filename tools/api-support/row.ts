/**
 * What we serve of each row of docs/istio-api.md, one file per family. A row that works says by
 * what that is seen, and a test looks whether it is there; one that does not says why.
 */

/** Text that stands in what a proxy is sent in a story of testdata/; white space counts once. */
export interface Golden {
  readonly golden: string;
  readonly shows: string;
}

/** A test by its title, or by the beginning of it, as it is written in the file. */
export interface TestCase {
  readonly test: string;
  readonly title: string;
}

export type Evidence = Golden | TestCase;

export interface Row {
  readonly id: string;
  readonly state: "works" | "partly" | "not";
  readonly evidence: readonly Evidence[];
  /** What is missing, or why there is nothing, and what to do instead. */
  readonly reason?: string;
}

export const golden = (story: string, shows: string): Golden => ({ golden: story, shows });

export const test = (file: string, title: string): TestCase => ({ test: file, title });

export const works = (id: string, first: Evidence, ...more: readonly Evidence[]): Row => ({
  id,
  state: "works",
  evidence: [first, ...more],
});

export const partly = (
  id: string,
  reason: string,
  first: Evidence,
  ...more: readonly Evidence[]
): Row => ({ id, state: "partly", evidence: [first, ...more], reason });

export const not = (id: string, reason: string): Row => ({
  id,
  state: "not",
  evidence: [],
  reason,
});
