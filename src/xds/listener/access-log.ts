import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { AccessLog } from "../../proto/gen/envoy/config/accesslog/v3/accesslog.ts";
import type { FileAccessLog } from "../../proto/gen/envoy/extensions/access_loggers/file/v3/file.ts";
import { typed } from "../../proto/types.ts";

/** A line for every request or connection, where the mesh asks for it; in Envoy's own format if in none other. */
export function accessLog({ accessLogFile: path, traffic }: MeshSettings): {
  accessLog?: AccessLog[];
} {
  if (path === "") return {};
  return {
    accessLog: [
      {
        name: "envoy.access_loggers.file",
        typedConfig: typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {
          path,
          ...logFormat(traffic?.accessLog ?? {}),
        }),
      },
    ],
  };
}

function logFormat({ text, fields }: NonNullable<Traffic["accessLog"]>): FileAccessLog {
  if (fields !== undefined) return { logFormat: { jsonFormat: fields } };
  if (text === undefined) return {};
  const inlineString = text.endsWith("\n") ? text : `${text}\n`;
  return { logFormat: { textFormatSource: { inlineString } } };
}

type Traffic = NonNullable<MeshSettings["traffic"]>;
