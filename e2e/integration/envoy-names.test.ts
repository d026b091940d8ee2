/** Names that users write and Envoy must know: a release that drops one is seen here. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  BARE_COMMANDS,
  COMMANDS,
  CUT_COMMANDS,
  formatFault,
  headerFormatFault,
} from "../../src/model/istio/substitution-format.ts";
import { LOG_COMPONENTS, LOG_LEVELS } from "../../src/xds/log-levels.ts";
import { envoyBinary } from "../harness/tools.ts";

const run = promisify(execFile);

const validate = async (config: object, ...args: readonly string[]): Promise<void> => {
  const yaml = JSON.stringify(config);
  await run(await envoyBinary(), ["--mode", "validate", "--config-yaml", yaml, ...args]);
};

const FILTERS = "type.googleapis.com/envoy.extensions.filters";

const logging = (format: string) => ({
  admin: {
    accessLog: [
      {
        name: "envoy.access_loggers.file",
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
          path: "/dev/null",
          logFormat: { textFormatSource: { inlineString: format } },
        },
      },
    ],
    address: { socketAddress: { address: "127.0.0.1", portValue: 0 } },
  },
});

/** Each value in a host of its own: what one names is no matter to the others. */
const setting = (values: readonly string[]) => ({
  staticResources: {
    listeners: [
      {
        address: { socketAddress: { address: "127.0.0.1", portValue: 1 } },
        filterChains: [{ filters: [{ name: "http", typedConfig: manager(values) }] }],
      },
    ],
  },
});

const manager = (values: readonly string[]) => ({
  "@type": `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
  statPrefix: "http",
  httpFilters: [{ name: "router", typedConfig: { "@type": `${FILTERS}.http.router.v3.Router` } }],
  routeConfig: {
    virtualHosts: values.map((value, i) => ({
      name: `${i}`,
      domains: [`${i}`],
      requestHeadersToAdd: [{ header: { key: "x", value } }],
      routes: [{ match: { prefix: "/" }, directResponse: { status: 200 } }],
    })),
  },
});

test("Envoy knows every component and every level of its log", async () => {
  const levels = LOG_COMPONENTS.map(
    (component, i) => `${component}:${LOG_LEVELS[i % LOG_LEVELS.length]}`,
  );
  await validate({}, "--component-log-level", levels.join(","));
});

/** Arguments of those commands that do not take any text. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  CEL: "response.code",
  COALESCE: '{"operators": ["PROTOCOL"]}',
  COMMON_DURATION: "a:b:us",
  FILTER_STATE: "a:FIELD:b",
  GRPC_STATUS: "NUMBER",
  METADATA: "ROUTE:a",
  PATH: "NQ:ORIG",
  QUERY_PARAMS: "ORIG",
  REQUESTED_SERVER_NAME: "SNI_FIRST:HOST",
  TYPED_CEL: "response.code",
};

const everyCommand = (): readonly string[] => {
  return [
    ...[...BARE_COMMANDS].map((name) => `%${name}%`),
    ...Object.entries(COMMANDS).flatMap(([name, form]) => {
      const argument = ARGUMENTS[name] ?? "x";
      const whole = `%${name}(${argument})${CUT_COMMANDS.has(name) ? ":9" : ""}%`;
      return form.test("") ? [whole, `%${name}%`] : [whole];
    }),
  ];
};

test("Envoy takes every command of an access log's format", async () => {
  const format = everyCommand().join(" ");
  assert.equal(formatFault(format), undefined);
  await validate(logging(format));
});

/** Right and wrong ones. */
const SOME_ARGUMENTS = [
  ..."x :x a:b a:b:c a:b:us x?y x? ?x x?:y x?y?z NQ NQ: NQ:ORIG :ORIG NQ:ORIG:x ROUTE ROUTE:a".split(
    " ",
  ),
  ..."POD:a a:PLAIN a:FIELD a:FIELD:b a: a:WHAT 16 999 HOST_FIRST SNI_ONLY:HOST NUMBER".split(" "),
  ..."DECODED %n %s %3f %E3S %E*f %Ez %Q 1% ( a(b a/b a@b a,b {}".split(" "),
  "",
  "a b",
  "ü",
  '"',
];

test("Envoy takes every command that we let into a header", async () => {
  const names = [...BARE_COMMANDS, ...Object.keys(COMMANDS)];
  const forms = ["", ...SOME_ARGUMENTS.map((argument) => `(${argument})`)];
  const values = names
    .flatMap((name) => forms.flatMap((form) => [`%${name}${form}%`, `%${name}${form}:3%`]))
    .filter((value) => headerFormatFault(value) === undefined);
  assert.ok(values.length > names.length);
  // Of what one argument of a program may hold.
  for (let at = 0; at < values.length; at += 400)
    await validate(setting(values.slice(at, at + 400)));
});

for (const value of ["%REQ%", "%START_TIME(%n)%", "%REQ(a b)%", "%CEL(1 +)%"])
  test(`Envoy refuses a header that we tell of: ${value}`, async () => {
    assert.notEqual(headerFormatFault(value), undefined);
    await assert.rejects(validate(setting([value])), /error initializing configuration/);
  });

for (const format of [
  "%FOO%",
  "50% of it",
  "%DURATION(ms)%",
  "%START_TIME:3%",
  "%REQ(a b)%",
  "%METADATA(POD:a)%",
])
  test(`Envoy refuses a format that we tell of: ${format}`, async () => {
    assert.notEqual(formatFault(format), undefined);
    await assert.rejects(validate(logging(format)), /error initializing configuration/);
  });
