import { RE2JS, RE2JSException } from "re2js";

/** Instructions a proxy accepts; the bootstrap sets its limit (`re2.max_program_size`) higher. */
const MAX_PROGRAM = 10_000;
/** Bounds that keep the check itself cheap: characters, and characters times repetitions. */
const MAX_LENGTH = 10_000;
const MAX_EXPANSION = 500_000;

/** Whether any part of the text matches; the expression is one that `regexFault` lets pass. */
export const matchesRegex = (pattern: string, text: string): boolean =>
  RE2JS.compile(pattern).matcher(text).find();

const REPETITIONS = /\{(\d+)(?:,(\d*))?\}/g;

/**
 * Why a proxy would refuse the expression, or `undefined` if it takes it. One that is refused would
 * take every other host of the same message down with it.
 */
export function regexFault(pattern: string): string | undefined {
  if (pattern.length > MAX_LENGTH)
    return `it has ${pattern.length} characters, ${MAX_LENGTH} are allowed`;
  const repetitions = [...pattern.matchAll(REPETITIONS)].map(([, min, max]) => Number(max || min));
  if (pattern.length * Math.max(1, ...repetitions) > MAX_EXPANSION)
    return "it repeats too long a part too often";
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > MAX_PROGRAM ? `it needs ${size} steps, ${MAX_PROGRAM} are allowed` : undefined;
  } catch (error) {
    // The parser throws on what it does not know; anything else is a bug of ours.
    if (error instanceof RE2JSException) return error.message;
    throw error;
  }
}
