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
} from "../../src/model/istio/log-format.ts";
import { LOG_COMPONENTS, LOG_LEVELS } from "../../src/xds/log-levels.ts";
import { envoyBinary } from "../harness/tools.ts";

const run = promisify(execFile);

const validate = async (config: object, ...args: readonly string[]): Promise<void> => {
  const yaml = JSON.stringify(config);
  await run(await envoyBinary(), ["--mode", "validate", "--config-yaml", yaml, ...args]);
};

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

test("Envoy takes every command of an access log's format", async () => {
  const commands = [
    ...[...BARE_COMMANDS].map((name) => `%${name}%`),
    ...Object.entries(COMMANDS).flatMap(([name, form]) => {
      const argument = ARGUMENTS[name] ?? "x";
      const whole = `%${name}(${argument})${CUT_COMMANDS.has(name) ? ":9" : ""}%`;
      return form.test("") ? [whole, `%${name}%`] : [whole];
    }),
  ];
  const format = commands.join(" ");
  assert.equal(formatFault(format), undefined);
  await validate(logging(format));
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
