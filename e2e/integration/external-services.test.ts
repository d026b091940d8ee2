/** ServiceEntries as a stock Envoy serves them, behind capture, with servers that are of no mesh. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ProxyView } from "../../src/xds/view.ts";
import { type SeenOutside, serveOutside } from "./outside.ts";
import { podNetwork } from "./pod-network.ts";
import type { Answer, Question } from "./translation-app.ts";
import { type Pod, startWorld } from "./translation-world.ts";

const entry = (name: string, spec: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name} }
spec: ${spec}
---
`;

const mesh = (out: string): string =>
  [
    entry(
      "static",
      `{ hosts: [static.example.com], addresses: [192.0.2.1], resolution: STATIC, endpoints: [{ address: ${out} }],
         ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 8080 }] }`,
    ),
    entry(
      "named",
      `{ hosts: [named.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 8080 }] }`,
    ),
    entry(
      "round",
      `{ hosts: [round.example.com], resolution: DNS_ROUND_ROBIN, ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 8080 }] }`,
    ),
    entry(
      "kept",
      `{ hosts: [kept.example.com], resolution: NONE, ports: [{ number: 9000, name: http, protocol: HTTP, targetPort: 8080 }] }`,
    ),
    entry(
      "any",
      `{ hosts: ["*.any.example.com"], resolution: DYNAMIC_DNS,
         ports: [{ number: 8080, name: http, protocol: HTTP }, { number: 8443, name: tls, protocol: TLS }, { number: 443, name: tls-usual, protocol: TLS, targetPort: 8443 }] }`,
    ),
    entry(
      "secure",
      `{ hosts: [secure.example.com], resolution: NONE, ports: [{ number: 8443, name: tls, protocol: TLS }] }`,
    ),
    entry(
      "open",
      `{ hosts: [open.example.com], resolution: STATIC, endpoints: [{ address: ${out} }],
         ports: [{ number: 5673, name: tcp, protocol: TCP, targetPort: 8084 }] }`,
    ),
    entry(
      "subnet",
      `{ hosts: [subnet.example.com], addresses: [198.51.100.0/24], resolution: STATIC, endpoints: [{ address: ${out} }],
         ports: [{ number: 5674, name: tcp, protocol: TCP, targetPort: 8084 }] }`,
    ),
    `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: queue }
spec:
  hosts: [queue.example.com]
  resolution: STATIC
  endpoints: [{ address: ${out} }]
  ports: [{ number: 5672, name: tcp, protocol: TCP, targetPort: 8084 }]
status: { addresses: [{ host: queue.example.com, value: 240.240.0.9 }] }
`,
  ].join("");

const CLIENT: ProxyView = {
  kind: "sidecar",
  namespace: "default",
  workload: "default/client-1",
  serviceAccount: "client",
  labels: { app: "client" },
};

/** An address where nobody is: only the mesh knows what is meant. */
const NOWHERE = "192.0.2.200";

interface Scene {
  readonly client: Pod;
  readonly out: string;
}

async function scene(
  t: TestContext,
  outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY",
): Promise<Scene> {
  const network = await podNetwork(t);
  const out = network.outside;
  await network.run("ip", "route", "add", "default", "via", out);
  await serveOutside(t, out, { http: 8080, https: 8443, greeter: 8084 }, "*.example.com");
  const looked = ["named", "round", "one.any"].map((name) => [`${name}.example.com`, out]);
  const world = await startWorld(t, mesh(out), {
    settings: { outboundTrafficPolicy },
    names: Object.fromEntries(looked) as Readonly<Record<string, string>>,
  });
  return { client: await world.proxy(network, CLIENT, {}), out };
}

const seenBy = ({ status, body }: Answer): SeenOutside => {
  assert.equal(status, 200, body);
  return JSON.parse(body) as SeenOutside;
};

const http = (host: string, address: string, port: number): Question => ({
  kind: "http",
  host: address,
  port,
  headers: { host },
});

for (const policy of ["ALLOW_ANY", "REGISTRY_ONLY"] as const)
  test(`hosts outside are reached as they resolve, ${policy}`, { timeout: 120_000 }, async (t) => {
    const { client, out } = await scene(t, policy);
    const asked: readonly (readonly [string, string, number])[] = [
      ["static.example.com", "192.0.2.1", 80],
      ["named.example.com", NOWHERE, 80],
      ["round.example.com", NOWHERE, 80],
      ["kept.example.com", out, 9000],
      ["one.any.example.com:8080", NOWHERE, 8080],
    ];
    for (const [host, address, port] of asked)
      assert.equal(seenBy(await client.ask(http(host, address, port))).host, host);

    for (const [address, port] of [
      ["240.240.0.9", 5672],
      [NOWHERE, 5673],
      ["198.51.100.7", 5674],
    ] as const) {
      const { body } = await client.ask({ kind: "server-first", host: address, port });
      assert.equal(body, "welcome", `${address}:${port}`);
    }

    for (const [servername, address, port] of [
      ["secure.example.com", out, 8443],
      ["one.any.example.com", NOWHERE, 8443],
      ["one.any.example.com", NOWHERE, 443],
    ] as const) {
      const headers = { host: servername };
      const answer = await client.ask({ kind: "https", host: address, port, headers });
      assert.equal(seenBy(answer).servername, servername);
    }
    assert.ok((await client.stat("outbound.8443..secure.example.com.upstream_cx_total")) > 0);
  });

test("what the mesh does not know is let pass, or answered 502 and closed", {
  timeout: 120_000,
}, async (t) => {
  const results = async (policy: "ALLOW_ANY" | "REGISTRY_ONLY") => {
    const { client, out } = await scene(t, policy);
    const [request, connection, greeting] = [
      await client.ask(http("unknown.example.com", out, 8080)),
      await client.ask({ kind: "server-first", host: out, port: 8084 }),
      await client.ask({
        kind: "https",
        host: out,
        port: 8443,
        headers: { host: "unknown.example.com" },
      }),
    ];
    return { request: request.status, connection: connection.body, greeting: greeting.status };
  };
  assert.deepEqual(await results("ALLOW_ANY"), {
    request: 200,
    connection: "welcome",
    greeting: 200,
  });
  const { request, connection, greeting } = await results("REGISTRY_ONLY");
  assert.deepEqual([request, greeting], [502, -1]);
  assert.doesNotMatch(connection, /welcome/);
});
