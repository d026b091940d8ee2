/** What users change with EnvoyFilters, run: a filter of their own, a limit, and a route to a cluster that they add. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ProxyView } from "../../src/xds/view.ts";
import type { PodNetwork } from "./pod-network.ts";
import { linkedNetworks, type Pod, startWorld } from "./translation-world.ts";

const VIP = "10.96.0.10";
const ALLOWED = 3;

const mesh = ({ ip }: PodNetwork): string => `
apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  clusterIP: ${VIP}
  selector: { app: echo }
  ports: [{ name: http, port: 80, targetPort: 8080 }, { name: http-limited, port: 82, targetPort: 8082 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-0, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
ports: [{ name: http, port: 8080 }, { name: http-limited, port: 8082 }]
endpoints: [{ addresses: ["${ip}"], targetRef: { kind: Pod, namespace: default, name: echo-1 } }]
---
apiVersion: v1
kind: Pod
metadata: { name: echo-1, labels: { app: echo, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: echo, containers: [{ name: echo }] }
status: { podIP: "${ip}" }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: lua }
spec:
  workloadSelector: { labels: { app: echo } }
  configPatches:
    - applyTo: HTTP_FILTER
      match:
        context: SIDECAR_INBOUND
        listener:
          portNumber: 8080
          filterChain: { filter: { name: envoy.filters.network.http_connection_manager, subFilter: { name: envoy.filters.http.router } } }
      patch:
        operation: INSERT_BEFORE
        value:
          name: envoy.filters.http.lua
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code:
              inline_string: |
                function envoy_on_response(handle)
                  handle:headers():add("x-lua", "was here")
                end
    - applyTo: HTTP_FILTER
      match: { context: SIDECAR_INBOUND, listener: { portName: http-limited } }
      patch:
        operation: INSERT_FIRST
        value:
          name: envoy.filters.http.local_ratelimit
          typed_config:
            "@type": type.googleapis.com/udpa.type.v1.TypedStruct
            type_url: type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
            value:
              stat_prefix: limited
              token_bucket: { max_tokens: ${ALLOWED}, tokens_per_fill: 1, fill_interval: 3600s }
              filter_enabled: { default_value: { numerator: 100 } }
              filter_enforced: { default_value: { numerator: 100 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: added, namespace: mesh-system }
spec:
  configPatches:
    - applyTo: CLUSTER
      patch:
        operation: ADD
        value:
          name: by-hand
          type: STATIC
          connect_timeout: 1s
          load_assignment:
            cluster_name: by-hand
            endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: "${ip}", port_value: 8080 } } } }] }]
    - applyTo: VIRTUAL_HOST
      match: { context: SIDECAR_OUTBOUND, routeConfiguration: { name: "80" } }
      patch:
        operation: ADD
        value:
          name: by-hand.example.com:80
          domains: [by-hand.example.com]
          routes:
            - { match: { path: /teapot }, direct_response: { status: 418 } }
            - { match: { prefix: / }, route: { cluster: by-hand } }
    - applyTo: HTTP_ROUTE
      match: { context: SIDECAR_OUTBOUND, routeConfiguration: { vhost: { name: "echo.default.svc.cluster.local:80", route: { action: ROUTE } } } }
      patch:
        operation: MERGE
        value: { request_headers_to_add: [{ header: { key: x-merged, value: "yes" } }] }
`;

const view = (name: string): ProxyView => ({
  kind: "sidecar",
  namespace: "default",
  workload: `default/${name}-1`,
  serviceAccount: name,
  labels: { app: name },
});

async function pods(t: TestContext): Promise<Pod> {
  const [near, far] = await linkedNetworks(t);
  const world = await startWorld(t, mesh(far));
  const [client] = await Promise.all([
    world.proxy(near, view("client"), {}),
    world.proxy(far, view("echo"), { 8080: "http", 8082: "http" }),
  ]);
  return client;
}

test("EnvoyFilters add a header, a limit, and a virtual host with a cluster of its own", async (t) => {
  const client = await pods(t);
  const ask = (port: number, more: { readonly host?: string; readonly path?: string } = {}) =>
    client.ask({
      kind: "http",
      host: VIP,
      port,
      path: more.path ?? "/",
      ...(more.host && { headers: { host: more.host } }),
    });

  const plain = await ask(80);
  assert.equal(plain.status, 200, plain.body);
  assert.equal(plain.headers["x-lua"], "was here");
  assert.match(plain.body, /"x-merged":"yes"/);

  const limited = [];
  for (let i = 0; i < ALLOWED + 2; i += 1) limited.push((await ask(82)).status);
  assert.deepEqual(limited, [200, 200, 200, 429, 429]);
  assert.equal((await ask(82)).headers["x-lua"], undefined, "the header is for one port alone");

  assert.equal((await ask(80, { host: "by-hand.example.com", path: "/teapot" })).status, 418);
  const byHand = await ask(80, { host: "by-hand.example.com" });
  assert.equal(byHand.status, 200, byHand.body);
});
