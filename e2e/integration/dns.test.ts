/** Names of ServiceEntries in a pod whose DNS is captured, with a stock Envoy and real resolvers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, type OptAnswer } from "dns-packet";
import { APP, BIG, dnsWorld, entry, HOST, SERVICE, VIP } from "./dns-world.ts";

const TIMEOUT = { timeout: 180_000 };

const http = (out: string): string =>
  `resolution: STATIC, endpoints: [{ address: ${out} }], ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 8080 }]`;
const tcp = (out: string): string =>
  `resolution: STATIC, endpoints: [{ address: ${out} }], ports: [{ number: 5672, name: tcp, protocol: TCP, targetPort: 8080 }]`;

test(
  "a host that no DNS knows is found and reached, and comes and goes with its object",
  TIMEOUT,
  async (t) => {
    const world = await dnsWorld(
      t,
      (out) =>
        entry("api", HOST, http(out)) +
        entry("queue", "queue", tcp(out), "240.240.0.10") +
        entry(
          "theirs",
          "theirs.example.com",
          `exportTo: ["."], ${http(out)}`,
          "240.240.0.11",
        ).replace("namespace: default", "namespace: other"),
    );
    const { network, lookUp, query, apply, remove, until } = world;
    const out = network.outside;
    await until(HOST, [VIP]);
    assert.deepEqual(await lookUp("queue"), ["240.240.0.10"], "without a dot");
    assert.deepEqual(await lookUp(SERVICE), ["10.96.3.4"], "a Service");
    assert.deepEqual(await lookUp("web.shop"), ["10.96.3.4"], "by the search domains");
    assert.deepEqual(await lookUp("www.example.org"), ["10.96.3.4"], "outside");
    assert.deepEqual(await lookUp("nobody.example.org"), []);
    assert.deepEqual(await lookUp("theirs.example.com"), [], "of another namespace");
    apply(`
apiVersion: v1
kind: Service
metadata: { name: front, namespace: default }
spec: { type: ExternalName, externalName: ${HOST} }
`);
    assert.deepEqual(await lookUp("front.default"), [VIP], "another name for it");
    remove("services", "default/front");
    assert.deepEqual(await lookUp("front.default"), []);
    assert.equal(await query(HOST, "AAAA"), "ENODATA");
    assert.equal(await query(HOST, "TXT"), "ENOTFOUND", "the resolver's word");

    const url = `http://${HOST}/`;
    const found = `${HOST}:80:${(await lookUp(HOST)).join()}`;
    const curl = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--resolve", found, url];
    const status = await network.run(...APP, ...curl);
    assert.equal(status, "200");

    apply(entry("api", HOST, http(out), "240.240.0.77"));
    assert.deepEqual(await lookUp(HOST), ["240.240.0.77"], "it has another address");
    remove("serviceEntries", "default/api");
    assert.deepEqual(await lookUp(HOST), [], "it is gone");
    apply(entry("late", "late.example.com", http(out)));
    assert.deepEqual(await lookUp("late.example.com"), [VIP]);
    apply(`
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: default }
spec: { egress: [{ hosts: ["./queue"] }] }
`);
    assert.deepEqual(await lookUp("late.example.com"), [], "its proxy does not listen for it");
    assert.deepEqual(await lookUp("queue"), ["240.240.0.10"]);
  },
);

test("every other message passes as it is, whatever its kind and size", TIMEOUT, async (t) => {
  const { exchange, query, askedOfResolver, until } = await dnsWorld(t, (out) =>
    entry("api", HOST, http(out)),
  );
  await until(HOST, [VIP]);
  const edns: OptAnswer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: 4096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: true,
    options: [],
  };
  const kinds = ["A", "AAAA", "TXT", "SRV", "PTR", "MX", "SOA", "NS", "CAA", "NAPTR"] as const;
  const messages = kinds.flatMap((type) =>
    [SERVICE, "nobody.example.org"].flatMap((name) =>
      [[], [edns]].map((additionals) =>
        encode({ type: "query", id: 77, flags: 256, questions: [{ type, name }], additionals }),
      ),
    ),
  );
  const captured = await exchange(messages);
  assert.equal(captured.length, messages.length);
  assert.deepEqual(captured, await exchange(messages, "1337"), "as the proxy's user hears it");
  const big = encode({
    type: "query",
    id: 5,
    questions: [{ type: "TXT", name: BIG }],
    additionals: [edns],
  });
  const whole = decode(Buffer.from((await exchange([big]))[0] ?? "", "hex"));
  assert.equal(whole.answers?.length, 12, "3 kB in one datagram");
  const before = askedOfResolver();
  const records = JSON.parse(await query(BIG, "TXT")) as unknown[];
  assert.equal(records.length, 12);
  assert.ok(askedOfResolver() > before);
});

test(
  "without a control plane all other names resolve, and with it ours do again",
  TIMEOUT,
  async (t) => {
    const { lookUp, query, stopResponder, startResponder, until } = await dnsWorld(t, (out) =>
      entry("api", HOST, http(out)),
    );
    await until(HOST, [VIP]);
    stopResponder();
    const start = performance.now();
    assert.deepEqual(await lookUp(SERVICE), ["10.96.3.4"], "at once, or with the second attempt");
    t.diagnostic(`resolved ${Math.round(performance.now() - start)} ms after the end`);
    await until(HOST, []);
    assert.deepEqual(await lookUp(SERVICE), ["10.96.3.4"]);
    assert.equal((JSON.parse(await query(BIG, "TXT")) as unknown[]).length, 12, "by TCP");
    await startResponder();
    await until(HOST, [VIP]);
  },
);
