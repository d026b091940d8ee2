/** Secrets beside the workload's own: those that policies and gateways name. */
import { ROOTS_SUFFIX } from "../model/ir/credential.ts";
import type { ServerTls } from "../model/ir/listener.ts";
import type { Mesh } from "../model/ir/mesh.ts";
import type { Secret } from "../proto/gen/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { originSecrets } from "./cluster/origination.ts";
import { serversByListener } from "./gateway.ts";
import { serverSecrets } from "./listener/server-tls.ts";
import { credentialSecret, fileSecret, parseCredential } from "./secret-name.ts";
import type { Translator } from "./translator.ts";
import type { ProxyView } from "./view.ts";

/** Files of the proxy's own. */
export const fileSecrets: Translator = {
  type: "Secret",
  keys: (mesh, view) => namesOf(mesh, view).filter((name) => fileSecret(name) !== undefined),
  resource(_mesh, _view, key) {
    const body = fileSecret(key);
    return body && { name: key, body, clusters: [] };
  },
};

/** Secrets of the gateway's namespace: what is in them goes to its own proxies, and only there. */
export const credentialSecrets: Translator = {
  type: "Secret",
  keys: (mesh, view) =>
    view.kind === "gateway"
      ? namesOf(mesh, view).filter((name) => parseCredential(name) !== undefined)
      : [],
  resource(mesh, view, key) {
    const body = credentialBody(mesh, view, key);
    return body && { name: key, body, clusters: [] };
  },
};

/** Whether a proxy that asks for the secret gets it; its files are its own affair. */
export const isAvailable = (mesh: Mesh, view: ProxyView, name: string): boolean =>
  parseCredential(name) === undefined ||
  (view.kind === "gateway" && credentialBody(mesh, view, name) !== undefined);

/** Roots are in the Secret itself, or in one beside it. */
function credentialBody(mesh: Mesh, view: ProxyView, key: string): Secret | undefined {
  const parsed = parseCredential(key);
  if (parsed === undefined) return undefined;
  const names = parsed.roots ? [parsed.name, `${parsed.name}${ROOTS_SUFFIX}`] : [parsed.name];
  for (const name of names) {
    const found = mesh.credential(view.namespace, name);
    const body = found && credentialSecret(key, found, parsed.roots ? "roots" : "certificate");
    if (body !== undefined) return body;
  }
  return undefined;
}

/** A policy counts whether the proxy has its host or not: to look at each host would cost as many as there are. */
function namesOf(mesh: Mesh, view: ProxyView): readonly string[] {
  const servers = [...serversByListener(mesh, view).values()].flat();
  const ingress = mesh.sidecar(view)?.ingress ?? [];
  const asked = [
    ...servers.flatMap(({ server: { tls } }) => (tls ? secretsOfServer(tls) : [])),
    ...ingress.flatMap(({ tls }) => (tls ? serverSecrets(tls) : [])),
    ...mesh.tlsOrigins(view.namespace).flatMap(originSecrets),
  ];
  return [...new Set(asked)].sort();
}

const secretsOfServer = (tls: ServerTls): readonly string[] =>
  tls.mode === "terminate" ? serverSecrets(tls) : [];
