/** What Envoy's log is told by: a process that is given any other name does not start. */

export const LOG_LEVELS = "trace debug info warning warn error critical off".split(" ");

/** The components that `POST /logging` of its admin lists. */
export const LOG_COMPONENTS = [
  ..."a2a admin ai_protocol_manager alternate_protocols_cache assert aws backtrace".split(" "),
  ..."basic_auth cache_filter client compression config conn_handler connection".split(" "),
  ..."credential_injector decompression dns dubbo dynamic_modules envoy_bug ext_authz".split(" "),
  ..."ext_proc file filter forward_proxy geolocation golang grpc happy_eyeballs hc".split(" "),
  ..."health_checker http http2 hystrix init io ip_tagging json_rpc jwt kafka".split(" "),
  ..."key_value_store local_rate_limit lua main matcher mcp misc mongo".split(" "),
  ..."multi_connection notification oauth2 pool quic quic_stream rate_limit_quota rbac".split(" "),
  ..."rds redis rocketmq router runtime secret sse stats stats_sinks tap testing thrift".split(" "),
  ..."tracing udp upstream wasm websocket".split(" "),
];

/** `component:level`, of which `--component-log-level` takes a list. */
export function isComponentLevel(text: string): boolean {
  const [component = "", level = "", ...more] = text.split(":");
  return more.length === 0 && LOG_COMPONENTS.includes(component) && LOG_LEVELS.includes(level);
}
