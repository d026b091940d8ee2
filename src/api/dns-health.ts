/**
 * What a sidecar asks a replica, in the words of DNS, before it sends its pod's queries there: the
 * text of `ready.meshwright.invalid`. No answer, or the end of the connection, is a no.
 */

const hex = (text: string): string =>
  Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");

/** Each label behind its length: https://www.rfc-editor.org/rfc/rfc1035#section-3.1 */
const NAME = `05${hex("ready")}0a${hex("meshwright")}07${hex("invalid")}00`;
const TXT_IN = "00100001";
const ID = "6d77";

/** One question, recursion not desired: it is for the replica alone. In hexadecimal. */
export const DNS_HEALTH_QUERY = `${ID}0000${"0001000000000000"}${NAME}${TXT_IN}`;
/** One answer, with authority, and nothing to remember. In hexadecimal. */
export const DNS_HEALTH_REPLY = `${ID}8400${"0001000100000000"}${NAME}${TXT_IN}c00c${TXT_IN}00000000000605${hex("ready")}`;

/** As a stream has it: behind its length. */
export const framed = (message: string): string =>
  (message.length / 2).toString(16).padStart(4, "0") + message;
