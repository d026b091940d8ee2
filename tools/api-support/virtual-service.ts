import { golden, not, partly, type Row, test, works } from "./row.ts";

const RULES = "e2e/integration/translation-rules.test.ts";
const FINDINGS = "src/model/findings.test.ts";
const GATEWAYS = "src/xds/gateway-routing.test.ts";
const DELEGATION = "src/model/delegation.test.ts";
const RETRY = "src/xds/route/retry.test.ts";

/** Envoy has no other place for what a token says. */
const TOKENS =
  "The routes are there and match what the filter that verifies tokens leaves for them; they take no request until RequestAuthentication brings that filter.";

export const virtualService: readonly Row[] = [
  works("VS-01", golden("full-routing", "domains: - shop.default.svc.cluster.local")),
  works("VS-02", golden("visibility", '- "*.example.com"')),
  works("VS-03", golden("full-routing", "addressPrefix: 10.0.0.0 prefixLen: 8")),
  works("VS-04", golden("http-matches", "name: at-the-edge")),
  works(
    "VS-05",
    golden("visibility", "name: clients-own"),
    test(GATEWAYS, "routing counts where the gateway's pods may see it"),
  ),
  works(
    "VS-06",
    golden("http-matches", "decorator: operation: shop.default.svc.cluster.local:80/prefix*"),
  ),
  works("VS-07", golden("full-routing", "name: faulty-grpc")),
  works(
    "VS-08",
    golden(
      "http-matches",
      "config: /apis/networking.istio.io/v1/namespaces/default/virtual-service/shop",
    ),
    golden("http-matches", "decorator: operation: shop.default.svc.cluster.local:80/prefix*"),
  ),
  works("VS-09", golden("gateway-http", "path: /api queryParameters:")),
  works("VS-10", golden("http-matches", "name: named.second")),
  works("VS-11", golden("gateway-http", "safeRegex: regex: /items/[0-9]+")),
  works("VS-12", golden("http-matches", "name: :scheme stringMatch: exact: https")),
  works("VS-13", golden("http-matches", "name: :method stringMatch: exact: POST")),
  works("VS-14", golden("http-matches", "name: :authority stringMatch: prefix: shop")),
  works(
    "VS-15",
    golden(
      "http-matches",
      "name: x-regex stringMatch: safeRegex: regex: c+ - name: x-there presentMatch: true",
    ),
  ),
  partly(
    "VS-16",
    TOKENS,
    golden("http-matches", "- key: payload - key: realm.access - key: roles value: orMatch:"),
  ),
  works("VS-17", golden("http-matches", "cluster: outbound|81||shop.default.svc.cluster.local")),
  works("VS-18", golden("http-matches", "name: of-web"), golden("http-matches", "name: of-team")),
  works("VS-19", golden("http-matches", "name: at-the-edge")),
  works(
    "VS-20",
    golden(
      "http-matches",
      "name: regex stringMatch: safeRegex: regex: g+ - name: there presentMatch: true",
    ),
  ),
  works("VS-21", golden("http-matches", "caseSensitive: false path: /Any-Case")),
  partly(
    "VS-22",
    `Headers work; of claims: ${TOKENS}`,
    golden("http-matches", "name: x-not stringMatch: exact: d treatMissingHeaderAsEmpty: true"),
    golden("http-matches", "invert: true path: - key: payload - key: guest"),
  ),
  works("VS-23", golden("http-matches", "statPrefix: counted")),
  works(
    "VS-24",
    golden("gateway-http", "cluster: outbound|8443||items.shop.svc.cluster.local"),
    golden("external-names", "cluster: outbound|9080|v1|reviews.shop.svc.cluster.local"),
    test(
      "e2e/integration/external-names.test.ts",
      "a name for a host of the mesh is routed as the host is",
    ),
  ),
  works("VS-25", golden("request-routing", "cluster: outbound|9080|v2|reviews")),
  works("VS-26", golden("gateway-http", "outbound|8080||api.shop.svc.cluster.local")),
  works("VS-27", golden("gateway-http", "weight: 90")),
  works(
    "VS-28",
    golden("gateway-http", "appendAction: OVERWRITE_IF_EXISTS_OR_ADD header: key: x-canary"),
  ),
  works(
    "VS-29",
    golden("gateway-http", "appendAction: APPEND_IF_EXISTS_OR_ADD header: key: x-served-by"),
  ),
  works("VS-30", golden("gateway-http", "requestHeadersToRemove: - x-debug")),
  works("VS-31", golden("http-actions", "hostRewriteLiteral: one.internal")),
  works("VS-32", golden("http-actions", "key: x-all")),
  works("VS-33", golden("http-actions", "redirect: pathRedirect: /there")),
  works("VS-34", golden("http-actions", "prefixRewrite: /elsewhere")),
  works("VS-35", golden("http-actions", "hostRedirect: www.example.com")),
  works(
    "VS-36",
    golden("http-actions", "redirect: pathRedirect: /x portRedirect: 8080"),
    golden("http-actions", "redirect: portRedirect: 8443"),
  ),
  works("VS-37", golden("http-actions", "schemeRedirect: https")),
  works("VS-38", golden("http-actions", "responseCode: PERMANENT_REDIRECT")),
  works("VS-39", golden("gateway-http", "inlineString: fine status: 200")),
  works("VS-40", golden("http-actions", "inlineBytes: iVBORw0KGgo=")),
  works(
    "VS-41",
    golden("full-routing", "name: team-a"),
    test(DELEGATION, "the delegate's rules stand"),
    test(FINDINGS, "a delegate must be there, visible, and do the routing itself"),
    test(RULES, "rules answer, redirect, break, rewrite and delegate requests"),
  ),
  works("VS-42", golden("gateway-http", "prefixRewrite: /")),
  works("VS-43", golden("gateway-http", "hostRewriteLiteral: api.internal")),
  works("VS-44", golden("gateway-http", "regex: ^/items/(.*)$ substitution: /v2/\\1")),
  works("VS-45", golden("http-actions", "maxGrpcTimeout: 2s")),
  works("VS-46", golden("gateway-http", "numRetries: 3")),
  works("VS-47", golden("gateway-http", "perTryTimeout: 0.5s")),
  works("VS-48", golden("gateway-http", "retryOn: gateway-error,retriable-status-codes")),
  works("VS-49", golden("http-actions", "name: envoy.retry_priorities.previous_priorities")),
  works("VS-50", test(RETRY, "a retry goes to another endpoint")),
  works("VS-51", golden("http-actions", "retryBackOff: baseInterval: 0.1s")),
  works(
    "VS-52",
    golden("request-routing", "retryOn: connect-failure,refused-stream,unavailable,cancelled"),
  ),
  works(
    "VS-53",
    golden("full-routing", "retryPolicy: numRetries: 2 retryOn: reset-before-request"),
  ),
  works("VS-54", golden("full-routing", "denominator: MILLION numerator: 1000")),
  works("VS-55", golden("full-routing", "fixedDelay: 2s")),
  not(
    "VS-56",
    "Istio ignores it, too. Envoy's fault filter knows fixed delays only; use fixedDelay. The object's status says so (MESH0110).",
  ),
  works(
    "VS-57",
    golden("full-routing", "grpcStatus: 14"),
    test(RULES, "rules answer, redirect, break, rewrite and delegate requests"),
  ),
  not(
    "VS-58",
    "Istio does not support it either. Envoy's fault filter ends requests with a status only; use httpStatus or grpcStatus. The object's status says so (MESH0110).",
  ),
  works("VS-59", golden("full-routing", "abort: httpStatus: 418 percentage:")),
  works(
    "VS-60",
    golden("full-routing", "cluster: outbound|80|v1|shadow.default.svc.cluster.local"),
  ),
  works("VS-61", golden("full-routing", "denominator: MILLION numerator: 125000")),
  works(
    "VS-62",
    golden("full-routing", "allowOriginStringMatch: - exact: https://example.com"),
    test(RULES, "who asks from another origin is told"),
  ),
  works("VS-63", golden("full-routing", "allowMethods: GET,POST")),
  works("VS-64", golden("full-routing", 'maxAge: "86400"')),
  works("VS-65", golden("full-routing", "allowCredentials: true")),
  works("VS-66", golden("full-routing", "forwardNotMatchingPreflights: false")),
  works("VS-67", golden("gateway-https", "serverNames: - one.db.example.com")),
  works(
    "VS-68",
    golden(
      "stream-routes",
      "prefixRanges: - addressPrefix: 10.96.0.1 prefixLen: 32 serverNames: - one.example.com",
    ),
  ),
  works(
    "VS-69",
    golden("stream-routes", 'serverNames: - one.example.com - "*.two.example.com"'),
    golden("stream-routes", 'serverNames: - "*.example.com"'),
  ),
  works("VS-70", golden("gateway-https", "cluster: outbound|5433||db.edge.svc.cluster.local")),
  works("VS-71", golden("full-routing", "prefixRanges: - addressPrefix: 10.0.0.0 prefixLen: 8")),
  works(
    "VS-72",
    golden("stream-routes", "sourcePrefixRanges: - addressPrefix: 10.1.0.0 prefixLen: 16"),
    test(RULES, "connections go where rules for their client's subnet say"),
  ),
  works(
    "VS-73",
    golden(
      "stream-routes",
      "weightedClusters: clusters: - name: outbound|5432||db.default.svc.cluster.local weight: 70",
    ),
  ),
  works(
    "VS-74",
    golden("full-routing", "name: outbound|9000|a|shop.default.svc.cluster.local weight: 80"),
  ),
  works(
    "VS-75",
    golden("http-actions", "hashPolicy: - cookie: name: user path: / ttl: 60s"),
    golden("http-actions", "hashPolicy: - header: headerName: x-user"),
  ),
  not(
    "VS-76",
    "There is no HTTP/3 listener that the header could point to (GW-31); clients are served by HTTP/2 and HTTP/1.1.",
  ),
  not(
    "VS-77",
    "Off in Istio unless a flag is set. A DestinationRule's consistentHash with an httpCookie that has a ttl keeps a client on one endpoint as long as the endpoints stay.",
  ),
  works(
    "VS-78",
    test("e2e/integration/translation.test.ts", "requests follow the rules, by every name"),
    test(FINDINGS, "a destination must be there, with its port and its subset"),
  ),
];
