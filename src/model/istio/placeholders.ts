/**
 * What proxies fill into the values of headers, and in which form; in access logs they know more:
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/advanced/substitution_formatter
 */

/** Names, and what follows them: arguments, and the length at which the value is cut off. */
type Form = readonly [names: RegExp, rest: RegExp];

const oneOf = (...names: readonly string[]): RegExp =>
  new RegExp(`^(?:${names.join("|").replace(/\s+/g, "")})$`);

const NOTHING = /^$/;
const NAME = "[-!#$&'*+.^_`|~0-9a-zA-Z:]+";

const FORMS: readonly Form[] = [
  [
    oneOf(
      "PROTOCOL|ROUTE_NAME|VIRTUAL_CLUSTER_NAME|FILTER_CHAIN_NAME|HOSTNAME|CUSTOM_FLAGS",
      "(CONNECTION|STREAM|UNIQUE|TRACE)_ID|RESPONSE_CODE|RESPONSE_FLAGS|RESPONSE_FLAGS_LONG",
      "DURATION|(REQUEST|REQUEST_TX|RESPONSE|RESPONSE_TX|ROUNDTRIP)_DURATION",
      "BYTES_(RECEIVED|SENT|RETRANSMITTED)|PACKETS_RETRANSMITTED|GRPC_STATUS_NUMBER",
      "(REQUEST_HEADERS|RESPONSE_HEADERS|RESPONSE_TRAILERS)_BYTES",
      "CONNECTION_TERMINATION_DETAILS|LOCAL_REPLY_BODY|ACCESS_LOG_TYPE|TLS_JA[34]_FINGERPRINT",
    ),
    NOTHING,
  ],
  [
    oneOf(
      `DOWNSTREAM_(
        (DIRECT_)?(LOCAL|REMOTE)_(ADDRESS|PORT)|(DIRECT_)?LOCAL_ADDRESS_ENDPOINT_ID|
        (WIRE|HEADER|DECOMPRESSED_HEADER)_BYTES_(SENT|RECEIVED)|HANDSHAKE_DURATION|
        (LOCAL|PEER)_((IP|DNS|URI|EMAIL|OTHERNAME)_SAN|SUBJECT)|PEER_(ISSUER|CERT|SERIAL)|
        PEER_(FINGERPRINT|CHAIN_FINGERPRINTS)_(1|256)|PEER_(CHAIN_SERIALS|ISSUER_SERIAL)|
        TLS_(SESSION_ID|CIPHER|GROUP|VERSION)|TRANSPORT_FAILURE_REASON|LOCAL_CLOSE_REASON|
        DETECTED_CLOSE_TYPE)`,
      `UPSTREAM_(
        HOST|HOST_NAME|HOST_NAME_WITHOUT_PORT|CLUSTER|CLUSTER_RAW|PROTOCOL|CONNECTION_ID|
        (HOSTS|HOST_NAMES)_ATTEMPTED(_WITHOUT_PORT)?|CONNECTION_IDS_ATTEMPTED|
        (LOCAL|REMOTE)_(ADDRESS|PORT)|REMOTE_ADDRESS_ENDPOINT_ID|REQUEST_ATTEMPT_COUNT|
        CONNECTION_POOL_READY_DURATION|(WIRE|HEADER|DECOMPRESSED_HEADER)_BYTES_(SENT|RECEIVED)|
        (LOCAL|PEER)_(IP|DNS|URI)_SAN|PEER_(SUBJECT|ISSUER|CERT)|SERVER_NAME|
        TLS_(SESSION_ID|CIPHER|GROUP|VERSION)|TRANSPORT_FAILURE_REASON|LOCAL_CLOSE_REASON|
        DETECTED_CLOSE_TYPE)`,
    ),
    NOTHING,
  ],
  // The arguments are a format, in which a line break would end the header.
  [
    oneOf("(START|EMIT)_TIME(_LOCAL)?|(DOWNSTREAM|UPSTREAM)_PEER_CERT_V_(START|END)"),
    /^(\((?!.*%[-_0^#]*[1-9]*[EO]?n).*\))?$/,
  ],
  [
    oneOf("(DOWNSTREAM_(DIRECT_)?|UPSTREAM_)(LOCAL|REMOTE)_ADDRESS_WITHOUT_PORT"),
    /^(\(\d{1,3}\))?$/,
  ],
  [oneOf("REQ|RESP|TRAILER"), new RegExp(`^\\(${NAME}(\\?${NAME})?\\)(:\\d+)?$`)],
  [oneOf("(DYNAMIC|CLUSTER|UPSTREAM)_METADATA|ENVIRONMENT|QUERY_PARAM"), /^\(.+\)(:\d+)?$/],
  [
    oneOf("METADATA"),
    /^\((DYNAMIC|CLUSTER|ROUTE|UPSTREAM_HOST|LISTENER|VIRTUAL_HOST):.+\)(:\d+)?$/,
  ],
  [oneOf("(UPSTREAM_)?FILTER_STATE"), /^\([^:]+(:(PLAIN|TYPED|FIELD:.+))?\)(:\d+)?$/],
  [oneOf("PATH"), /^(\((WQ|NQ)(:(ORIG|PATH|ORIG_OR_PATH))?\))?(:\d+)?$/],
  [
    oneOf("REQUESTED_SERVER_NAME"),
    /^(\((SNI_ONLY|SNI_FIRST|HOST_FIRST)(:(ORIG|HOST|ORIG_OR_HOST))?\))?$/,
  ],
  [oneOf("RESPONSE_CODE_DETAILS"), /^(\(ALLOW_WHITESPACES\))?$/],
  [oneOf("GRPC_STATUS"), /^(\((CAMEL_STRING|SNAKE_STRING|NUMBER)\))?$/],
  [oneOf("COMMON_DURATION"), /^\([^:]+:[^:]+:(ms|us|ns)\)$/],
];

const PLACEHOLDER = /%%|%([A-Z0-9_]+)((?:\([^)]*\))?(?::\d+)?)%/g;

/** Why proxies would refuse the value: they read `%` as the start of a placeholder. */
export function placeholderFault(value: string): string | undefined {
  const unknown = [...value.matchAll(PLACEHOLDER)].find(
    ([, name, rest = ""]) => name !== undefined && !isKnown(name, rest),
  );
  if (unknown !== undefined)
    return `"${unknown[0]}" is no placeholder that proxies know: write %% for a percent sign`;
  return value.replace(PLACEHOLDER, "").includes("%")
    ? "a percent sign starts a placeholder like %REQ(name)%: write %% for the sign itself"
    : undefined;
}

const isKnown = (name: string, rest: string): boolean =>
  FORMS.some(([names, form]) => names.test(name) && form.test(rest));
