import assert from "node:assert/strict";
import { test } from "node:test";
import { type DecodedPacket, decode, encode, type OptAnswer, type Packet } from "dns-packet";
import fc from "fast-check";
import { DNS_HEALTH_QUERY, DNS_HEALTH_REPLY } from "../api/dns-health.ts";
import type { Asker } from "./askers.ts";
import { Frames, frame } from "./frames.ts";
import { answer, parseQuestion } from "./question.ts";
import { respond } from "./responder.ts";

const RECURSION_DESIRED = 0x0100;
const AD = 0x0020;
const HOST = "api.example.com";
const V4 = "240.240.7.9";
const V6 = "2001:2::709";

const edns = (over: Partial<OptAnswer> = {}): OptAnswer => ({
  type: "OPT",
  name: ".",
  udpPayloadSize: 4096,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
  ...over,
});

const query = (over: Partial<Packet> = {}): Packet => ({
  type: "query",
  id: 4711,
  flags: RECURSION_DESIRED,
  questions: [{ type: "A", name: HOST }],
  ...over,
});

const pod = (...addresses: string[]): Asker => ({
  key: "shop/web-1",
  namespace: "shop",
  labels: {},
  addresses,
});

function said(
  packet: Packet,
  { asker = pod("10.0.0.1"), addresses = [V4, V6] } = {},
): Reply | undefined {
  const names = (host: string) => (host === HOST ? addresses : undefined);
  const message = respond(encode(packet), { asker, names, transport: "udp" });
  return message && (decode(message) as Reply);
}

/** The library says more than its types do. */
type Reply = DecodedPacket & { readonly rcode: string };

test("a host of the mesh has its addresses of the family that is asked for", () => {
  const dual = pod("10.0.0.1", "fd00::1");
  for (const [type, address] of [
    ["A", V4],
    ["AAAA", V6],
  ] as const) {
    const reply = said(query({ questions: [{ type, name: "API.example.Com" }] }), { asker: dual });
    assert.equal(reply?.id, 4711);
    assert.ok(reply.flag_qr && reply.flag_aa && reply.flag_rd && reply.flag_ra && !reply.flag_tc);
    assert.equal(reply.rcode, "NOERROR");
    assert.deepEqual(reply.questions, [{ type, name: "API.example.Com", class: "IN" }]);
    const [record] = reply.answers ?? [];
    assert.ok(record?.type === type);
    assert.deepEqual([record.name, record.data, record.ttl], ["API.example.Com", address, 5]);
    assert.deepEqual(reply.additionals, [], "EDNS is for those who speak it");
  }
});

test("of a family that host or pod lacks there is no address, and yet the name is there", () => {
  for (const asker of [pod("10.0.0.1"), pod("fd00::1")]) {
    const lacking = asker.addresses.includes("10.0.0.1") ? "AAAA" : "A";
    const reply = said(query({ questions: [{ type: lacking, name: HOST }] }), { asker });
    assert.equal(reply?.rcode, "NOERROR");
    assert.deepEqual(reply.answers, []);
    const [authority] = reply.authorities ?? [];
    assert.ok(authority?.type === "SOA" && typeof authority.data === "object");
  }
  assert.equal(said(query(), { asker: pod("fd00::1"), addresses: [V4] }), undefined, "of no use");
});

test("what does not fit is to be asked for by TCP, and is given there whole", () => {
  const addresses = Array.from({ length: 90 }, (_, i) => `240.240.1.${i}`);
  const packet = query();
  const question = parseQuestion(encode(packet));
  assert.ok(question);
  const short = decode(answer(question, addresses, "udp")) as Reply;
  assert.deepEqual([short.flag_tc, short.answers?.length, short.rcode], [true, 0, "NOERROR"]);
  assert.equal(decode(answer(question, addresses, "tcp")).answers?.length, 90);
  const wide = parseQuestion(encode(query({ additionals: [edns()] })));
  assert.ok(wide);
  const roomy = decode(answer(wide, addresses.slice(0, 30), "udp"));
  assert.deepEqual([roomy.flag_tc, roomy.answers?.length], [false, 30]);
  assert.equal(roomy.additionals?.[0]?.type, "OPT");
  assert.ok(answer(wide, addresses, "udp").length <= 1232);
});

test("of more addresses than a message can carry, as many are given as it can", () => {
  const label = "a".repeat(61);
  for (const name of [HOST, [label, label, label, label].join(".")]) {
    for (const type of ["A", "AAAA"] as const) {
      const question = parseQuestion(encode(query({ questions: [{ type, name }] })));
      assert.ok(question);
      const prefix = type === "A" ? "240.240." : "2001:2::";
      const separator = type === "A" ? "." : ":";
      const addresses = Array.from(
        { length: 3_000 },
        (_, i) => `${prefix}${i >> 8}${separator}${i & 0xff}`,
      );
      const message = answer(question, addresses, "tcp");
      assert.deepEqual(new Frames().take(frame(message)), [message]);
      assert.ok((decode(message).answers?.length ?? 0) > 200);
    }
  }
});

const NOT_OURS: Readonly<Record<string, Packet>> = {
  "another host": query({ questions: [{ type: "A", name: "www.example.com" }] }),
  "a search domain after it": query({
    questions: [{ type: "A", name: `${HOST}.shop.svc.cluster.local` }],
  }),
  "text of it": query({ questions: [{ type: "TXT", name: HOST }] }),
  "services of it": query({ questions: [{ type: "SRV", name: HOST }] }),
  "another class": query({ questions: [{ type: "A", name: HOST, class: "CH" }] }),
  "two questions": query({
    questions: [
      { type: "A", name: HOST },
      { type: "AAAA", name: HOST },
    ],
  }),
  "no question": query({ questions: [] }),
  "a later EDNS": query({ additionals: [edns({ ednsVersion: 1 })] }),
  "an answer": query({ type: "response" }),
  "an update": query({ flags: 5 << 11 }),
  "a record with it": query({ answers: [{ type: "A", name: HOST, data: "1.2.3.4" }] }),
};
for (const [what, packet] of Object.entries(NOT_OURS))
  test(`it is not the mesh's to answer: ${what}`, () => assert.equal(said(packet), undefined));

test("a dot within a label is not one between labels", () => {
  const name = Buffer.from(`\x0bapi.example\x03com\0`, "latin1");
  const header = encode(query({ questions: [] }));
  header.writeUInt16BE(1, 4);
  const message = Buffer.concat([header, name, Buffer.from([0, 1, 0, 1])]);
  assert.equal(decode(message).questions?.[0]?.name, HOST, "as the library has it");
  assert.equal(parseQuestion(message), undefined);
});

test("bytes of any kind never throw, and rarely pass for a question", () => {
  const whole = encode(query({ flags: RECURSION_DESIRED | AD, additionals: [edns()] }));
  const damaged = fc
    .tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length))
    .map(([at, byte, end]) => {
      const copy = Buffer.from(whole);
      copy[at] = byte;
      return copy.subarray(0, end);
    });
  const bytes = fc.oneof(
    damaged,
    fc.uint8Array({ maxLength: 600 }).map((all) => Buffer.from(all)),
  );
  fc.assert(
    fc.property(bytes, (message) => {
      const question = parseQuestion(message);
      if (question === undefined) return;
      const again = decode(message);
      assert.ok(!again.flag_qr && again.questions?.length === 1);
      assert.deepEqual(decode(answer(question, [V4], "udp")).questions, again.questions);
    }),
    { numRuns: 500 },
  );
});

test("messages of a stream are whole again, however it was cut", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all)));
  fc.assert(
    fc.property(messages, fc.array(fc.nat(40), { minLength: 1 }), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(frame));
      const frames = new Frames();
      const heard: Buffer[] = [];
      for (let at = 0, i = 0; at < stream.length; i += 1) {
        const length = (cuts[i % cuts.length] ?? 0) + 1;
        heard.push(...frames.take(stream.subarray(at, at + length)));
        at += length;
      }
      assert.deepEqual(heard, sent);
    }),
  );
});

test("health is asked and told in DNS", () => {
  const [asked, told] = [DNS_HEALTH_QUERY, DNS_HEALTH_REPLY].map((hex) =>
    decode(Buffer.from(hex, "hex")),
  );
  assert.deepEqual(asked?.questions, [
    { type: "TXT", name: "ready.meshwright.invalid", class: "IN" },
  ]);
  const [record] = told?.answers ?? [];
  assert.ok(record?.type === "TXT" && told?.flag_qr && told.id === asked?.id);
  assert.equal(String(record.data), "ready");
});
