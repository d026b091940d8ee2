/**
 * What proxies fill into access logs and the values of headers. With one command that Envoy does
 * not know, or not in this form, it refuses every listener, or all routes of a port.
 *
 * @see https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/advanced/substitution_formatter
 */

const names = (prefix: string, rest: string): readonly string[] =>
  rest.split(" ").map((name) => prefix + name);

/** Commands that stand alone. */
export const BARE_COMMANDS: ReadonlySet<string> = new Set([
  ...names("", "ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID"),
  ...names("", "CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS DURATION FILTER_CHAIN_NAME"),
  ...names("", "GRPC_STATUS_NUMBER HOSTNAME LOCAL_REPLY_BODY PACKETS_RETRANSMITTED PROTOCOL"),
  ...names("", "REQUEST_DURATION REQUEST_HEADERS_BYTES REQUEST_TX_DURATION RESPONSE_CODE"),
  ...names("", "RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG RESPONSE_HEADERS_BYTES"),
  ...names("", "RESPONSE_TRAILERS_BYTES RESPONSE_TX_DURATION ROUNDTRIP_DURATION ROUTE_NAME"),
  ...names("", "SPAN_ID STREAM_ID TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT TRACE_ID UNIQUE_ID"),
  ...names("", "VIRTUAL_CLUSTER_NAME"),
  ...names("DOWNSTREAM_", "DECOMPRESSED_HEADER_BYTES_RECEIVED DECOMPRESSED_HEADER_BYTES_SENT"),
  ...names("DOWNSTREAM_", "DETECTED_CLOSE_TYPE DIRECT_LOCAL_ADDRESS DIRECT_LOCAL_PORT"),
  ...names("DOWNSTREAM_", "DIRECT_LOCAL_ADDRESS_ENDPOINT_ID DIRECT_REMOTE_ADDRESS"),
  ...names("DOWNSTREAM_", "DIRECT_REMOTE_PORT HANDSHAKE_DURATION HEADER_BYTES_RECEIVED"),
  ...names("DOWNSTREAM_", "HEADER_BYTES_SENT LOCAL_ADDRESS LOCAL_ADDRESS_ENDPOINT_ID"),
  ...names("DOWNSTREAM_", "LOCAL_CLOSE_REASON LOCAL_DNS_SAN LOCAL_EMAIL_SAN LOCAL_IP_SAN"),
  ...names("DOWNSTREAM_", "LOCAL_OTHERNAME_SAN LOCAL_PORT LOCAL_SUBJECT LOCAL_URI_SAN PEER_CERT"),
  ...names("DOWNSTREAM_", "PEER_CHAIN_FINGERPRINTS_1 PEER_CHAIN_FINGERPRINTS_256"),
  ...names("DOWNSTREAM_", "PEER_CHAIN_SERIALS PEER_DNS_SAN PEER_EMAIL_SAN PEER_FINGERPRINT_1"),
  ...names("DOWNSTREAM_", "PEER_FINGERPRINT_256 PEER_IP_SAN PEER_ISSUER PEER_OTHERNAME_SAN"),
  ...names("DOWNSTREAM_", "PEER_SERIAL PEER_SUBJECT PEER_URI_SAN REMOTE_ADDRESS REMOTE_PORT"),
  ...names("DOWNSTREAM_", "TLS_CIPHER TLS_GROUP TLS_SESSION_ID TLS_VERSION"),
  ...names("DOWNSTREAM_", "TRANSPORT_FAILURE_REASON WIRE_BYTES_RECEIVED WIRE_BYTES_SENT"),
  ...names("UPSTREAM_", "CLUSTER CLUSTER_RAW CONNECTION_ID CONNECTION_IDS_ATTEMPTED"),
  ...names("UPSTREAM_", "CONNECTION_POOL_READY_DURATION DECOMPRESSED_HEADER_BYTES_RECEIVED"),
  ...names("UPSTREAM_", "DECOMPRESSED_HEADER_BYTES_SENT DETECTED_CLOSE_TYPE"),
  ...names("UPSTREAM_", "HEADER_BYTES_RECEIVED HEADER_BYTES_SENT HOST HOSTS_ATTEMPTED HOST_NAME"),
  ...names("UPSTREAM_", "HOST_NAMES_ATTEMPTED HOST_NAME_WITHOUT_PORT LOCAL_ADDRESS"),
  ...names("UPSTREAM_", "LOCAL_CLOSE_REASON LOCAL_DNS_SAN LOCAL_IP_SAN LOCAL_PORT LOCAL_URI_SAN"),
  ...names("UPSTREAM_", "PEER_CERT PEER_DNS_SAN PEER_IP_SAN PEER_ISSUER PEER_SUBJECT"),
  ...names("UPSTREAM_", "PEER_URI_SAN PROTOCOL REMOTE_ADDRESS REMOTE_ADDRESS_ENDPOINT_ID"),
  ...names("UPSTREAM_", "REMOTE_PORT REQUEST_ATTEMPT_COUNT TLS_CIPHER TLS_GROUP TLS_SESSION_ID"),
  ...names("UPSTREAM_", "TLS_VERSION TRANSPORT_FAILURE_REASON WIRE_BYTES_RECEIVED WIRE_BYTES_SENT"),
]);

const SOME = /./;
const ANY = /^/;
/** A header, and one to take in its place. */
const HEADERS = /^(?=.):?[\w!#$%&'*+.^`|~-]*(\?:?[\w!#$%&'*+.^`|~-]*)?$/;
/** No line breaks. */
const TIME = /^(?!.*%[-_0^#]*[1-9]*[EO]?n)/;
const STATE = /^[^:]+(:(|PLAIN|TYPED|FIELD:.+))?$/;

/** Commands that take an argument, and its form; where that may be empty, they may stand alone. */
export const COMMANDS: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    names("", "REQ REQUEST_HEADER RESP RESPONSE_HEADER RESPONSE_TRAILER TRAILER").map((name) => [
      name,
      HEADERS,
    ]),
  ),
  CEL: SOME,
  CLUSTER_METADATA: SOME,
  COALESCE: /^\{.*\}$/,
  COMMON_DURATION: /^[^:]*:[^:]+(:(ms|us|ns))?$/,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT: ANY,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: ANY,
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: ANY,
  DOWNSTREAM_PEER_CERT_V_END: TIME,
  DOWNSTREAM_PEER_CERT_V_START: TIME,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ANY,
  DYNAMIC_METADATA: SOME,
  EMIT_TIME: TIME,
  EMIT_TIME_LOCAL: TIME,
  ENVIRONMENT: SOME,
  FILTER_STATE: STATE,
  GRPC_STATUS: /^(|CAMEL_STRING|SNAKE_STRING|NUMBER)$/,
  METADATA:
    /^(DYNAMIC|CLUSTER|ROUTE|UPSTREAM_HOST|LISTENER|LISTENER_FILTER_CHAIN|VIRTUAL_HOST)(:|$)/,
  PATH: /^(|WQ|NQ)(:(|ORIG|PATH|ORIG_OR_PATH)(:.*)?)?$/,
  QUERY_PARAM: SOME,
  QUERY_PARAMS: /^(|ORIG|DECODED)$/,
  REQUESTED_SERVER_NAME: /^(|SNI_ONLY|SNI_FIRST|HOST_FIRST)(:(|ORIG|HOST|ORIG_OR_HOST)(:.*)?)?$/,
  RESPONSE_CODE_DETAILS: ANY,
  START_TIME: TIME,
  START_TIME_LOCAL: TIME,
  TYPED_CEL: SOME,
  UPSTREAM_FILTER_STATE: STATE,
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: ANY,
  UPSTREAM_METADATA: SOME,
  UPSTREAM_PEER_CERT_V_END: TIME,
  UPSTREAM_PEER_CERT_V_START: TIME,
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ANY,
};

/** Commands whose text may be cut to a length. */
export const CUT_COMMANDS: ReadonlySet<string> = new Set([
  ...names("", "CEL COALESCE DYNAMIC_METADATA ENVIRONMENT FILTER_STATE METADATA PATH QUERY_PARAM"),
  ...names("", "QUERY_PARAMS REQ REQUEST_HEADER RESP RESPONSE_HEADER RESPONSE_TRAILER TRAILER"),
  ...names("", "TYPED_CEL UPSTREAM_FILTER_STATE"),
]);

const PROGRAMS: ReadonlySet<string> = new Set(["CEL", "COALESCE", "TYPED_CEL"]);

const COMMAND = /%(?:%|([A-Z0-9_]+)(?:\((.*?)\))?(?::(\d+))?%)/y;

/**
 * Why Envoy refuses the value of a header. Commands whose argument is a program are none here: what
 * is wrong in it only Envoy can tell, and who writes a route shall not stop those of others.
 */
export function headerFormatFault(text: string): string | undefined {
  return faultOf(text, (name) => !PROGRAMS.has(name));
}

/** Why Envoy refuses a text with commands; what is inside CEL and COALESCE is not looked at. */
export function formatFault(text: string): string | undefined {
  return faultOf(text, () => true);
}

/** Ends at the first fault: each character is read once, whatever a tenant writes. */
function faultOf(text: string, mayUse: (name: string) => boolean): string | undefined {
  for (let at = text.indexOf("%"); at >= 0; at = text.indexOf("%", COMMAND.lastIndex)) {
    COMMAND.lastIndex = at;
    const found = COMMAND.exec(text);
    if (found === null)
      return "a percent sign begins a command like %PROTOCOL%: write %% for the sign itself";
    const [whole, name, argument = "", length] = found;
    const fault = name === undefined ? undefined : commandFault({ name, argument, length, mayUse });
    if (fault !== undefined) return `"${whole}" ${fault}`;
  }
  return undefined;
}

interface Use {
  readonly name: string;
  readonly argument: string;
  readonly length: string | undefined;
  readonly mayUse: (name: string) => boolean;
}

function commandFault({ name, argument, length, mayUse }: Use): string | undefined {
  if (BARE_COMMANDS.has(name))
    return argument === "" && length === undefined
      ? undefined
      : `is refused by proxies, as ${name} stands alone: write %${name}%`;
  const form = COMMANDS[name];
  if (form === undefined || !mayUse(name))
    return "is no command that proxies know here: name one of Envoy's, or write %% for a percent sign";
  if (!form.test(argument))
    return `is refused by proxies for its argument: write that of ${name} as Envoy's documentation has it`;
  return length === undefined || CUT_COMMANDS.has(name)
    ? undefined
    : `is refused by proxies, as ${name} cannot be cut to a length: leave out :${length}`;
}
