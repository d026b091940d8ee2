import { RE2JS, RE2JSException } from "re2js";

/** Instructions a proxy accepts; the bootstrap sets its limit (`re2.max_program_size`) far higher. */
const MAX_PROGRAM = 10_000;

/**
 * Why a proxy would refuse the expression, or `undefined` if it takes it. One that is refused would
 * take every other host of the same message down with it.
 */
export function regexFault(pattern: string): string | undefined {
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > MAX_PROGRAM ? `it needs ${size} steps, ${MAX_PROGRAM} are allowed` : undefined;
  } catch (error) {
    // The parser throws on what it does not know; anything else is a bug of ours.
    if (error instanceof RE2JSException) return error.message;
    throw error;
  }
}
