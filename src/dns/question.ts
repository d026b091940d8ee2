/** What of DNS messages is the mesh's to answer. Strict: whatever is out of the ordinary is not. */
import {
  type Question as Asked,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type OptAnswer,
  type Packet,
  RECURSION_AVAILABLE,
} from "dns-packet";

export type Family = 4 | 6;

/** A question for the addresses of a name. */
export interface Question {
  /** In lower case, without the final dot. */
  readonly name: string;
  readonly family: Family;
  /** The largest answer that the asker takes in a datagram. */
  readonly datagramBytes: number;
  readonly packet: Packet;
}

const HEADER_BYTES = 12;
/** Without EDNS, https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1 */
const PLAIN_BYTES = 512;
/** Larger datagrams may come in fragments, which get lost: https://www.dnsflagday.net/2020/ */
const SAFE_BYTES = 1232;

/**
 * `undefined` for anything but one well-formed question for addresses. A name is believed only if
 * writing it gives the bytes that were read, so that no dot within a label passes for one between.
 */
export function parseQuestion(message: Buffer): Question | undefined {
  const packet = parsed(message);
  const question = packet && onlyQuestion(packet);
  if (packet === undefined || question === undefined) return undefined;
  const datagramBytes = datagramLimit(packet);
  if (datagramBytes === undefined || !isWrittenSo(question, message)) return undefined;
  const family = question.type === "A" ? 4 : 6;
  return { name: question.name.toLowerCase(), family, datagramBytes, packet };
}

function onlyQuestion(packet: Packet): Asked | undefined {
  const [question, ...others] = packet.questions ?? [];
  if (question === undefined || others.length > 0 || !isPlain(packet)) return undefined;
  const isForAddresses = question.type === "A" || question.type === "AAAA";
  return isForAddresses && question.class === "IN" ? question : undefined;
}

function isWrittenSo(question: Asked, message: Buffer): boolean {
  const again = encode({ questions: [question] }).subarray(HEADER_BYTES);
  return message.subarray(HEADER_BYTES, HEADER_BYTES + again.length).equals(again);
}

function parsed(message: Buffer): Packet | undefined {
  try {
    const packet = decode(message);
    return decode.bytes === message.length ? packet : undefined;
  } catch {
    // Whoever it is for says what is wrong with it.
    return undefined;
  }
}

const OPCODE_BITS = 0x7800;

const isPlain = ({ type, flags = 0, answers = [], authorities = [] }: Packet): boolean =>
  type === "query" && (flags & OPCODE_BITS) === 0 && answers.length + authorities.length === 0;

/** `undefined`: it carries more than the size of EDNS, version 0. */
function datagramLimit({ additionals = [] }: Packet): number | undefined {
  const [edns, ...others] = additionals;
  if (edns === undefined) return PLAIN_BYTES;
  if (edns.type !== "OPT" || edns.ednsVersion !== 0 || others.length > 0) return undefined;
  return Math.min(Math.max(edns.udpPayloadSize, PLAIN_BYTES), SAFE_BYTES);
}

/** Soon forgotten, as what the cluster's own DNS says. */
const TTL_SECONDS = 5;
const RECURSION_DESIRED = 0x0100;
const CHECKING_DISABLED = 0x0010;
const TRUNCATED = 0x0200;

/** The length of a message by TCP is two bytes. */
const STREAM_BYTES = 0xffff;
/** Of an answer besides its records: a header, a question and EDNS, each at its longest. */
const FRAME_BYTES = 12 + 259 + 11;
/** Of a record besides its name as text: the ends of the name, fixed fields, an IPv6 address. */
const RECORD_BYTES = 2 + 10 + 16;

/**
 * The name has these addresses, those of the other family left out: none is an answer, too. Too
 * long for the asker it says so, and is asked again by TCP; what no message can carry is left out.
 */
export function answer(
  question: Question,
  addresses: readonly string[],
  transport: "udp" | "tcp",
): Buffer {
  const { family, datagramBytes } = question;
  const common = head(question);
  const name = common.questions[0]?.name ?? "";
  const most = Math.floor((STREAM_BYTES - FRAME_BYTES) / (Buffer.byteLength(name) + RECORD_BYTES));
  const records = addresses.filter((address) => familyOf(address) === family).slice(0, most);
  const type = family === 4 ? "A" : "AAAA";
  const whole = encode({
    ...common,
    answers: records.map((data) => ({ type, name, ttl: TTL_SECONDS, data })),
    authorities: records.length > 0 ? [] : [authority(name)],
  });
  if (transport === "tcp" || whole.length <= datagramBytes) return whole;
  return encode({ ...common, flags: common.flags | TRUNCATED });
}

const FLAGS = AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE;
const KEPT_FLAGS = RECURSION_DESIRED | CHECKING_DISABLED;

const head = ({ packet: { id = 0, flags = 0, questions = [], additionals = [] } }: Question) => ({
  type: "response" as const,
  id,
  flags: FLAGS | (flags & KEPT_FLAGS),
  questions,
  ...(additionals.length > 0 && { additionals: [EDNS] }),
});

const EDNS: OptAnswer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: SAFE_BYTES,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

/** By which a name without addresses of a family is told from one that is somebody else's. */
const authority = (name: string) =>
  ({
    type: "SOA",
    name,
    ttl: TTL_SECONDS,
    data: {
      mname: name,
      rname: "hostmaster.meshwright.invalid",
      serial: 1,
      refresh: TTL_SECONDS,
      retry: TTL_SECONDS,
      expire: TTL_SECONDS,
      minimum: TTL_SECONDS,
    },
  }) as const;

export const familyOf = (address: string): Family => (address.includes(":") ? 6 : 4);
