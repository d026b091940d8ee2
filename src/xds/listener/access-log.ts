import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { AccessLog } from "../../proto/gen/envoy/config/accesslog/v3/accesslog.ts";
import { typed } from "../../proto/types.ts";

/** A line for every request or connection, where the mesh asks for it, in Envoy's own format. */
export function accessLog({ accessLogFile: path }: MeshSettings): { accessLog?: AccessLog[] } {
  if (path === "") return {};
  return {
    accessLog: [
      {
        name: "envoy.access_loggers.file",
        typedConfig: typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", { path }),
      },
    ],
  };
}
