import type { GatewaySpec, GatewaySpecServersTls } from "../../api/gen/gateway.ts";
import { defined } from "../../util/defined.ts";
import { ownValue } from "../../util/own-value.ts";
import type { ServerTls, TlsVersion } from "../ir/listener.ts";
import type { Site } from "./site.ts";
import { lowerSuites } from "./suites.ts";

type Terminate = Extract<ServerTls, { mode: "terminate" }>;

/** `undefined`: the server cannot be opened, and that has been told. */
export function lowerServerTls(
  spec: GatewaySpecServersTls | undefined,
  path: string,
  { report }: Site,
): ServerTls | undefined {
  if (spec === undefined) {
    report.add(
      "MESH0116",
      path,
      "the server has no tls, so it is not opened: set tls.mode to SIMPLE and tls.credentialName to a secret with the certificate",
    );
    return undefined;
  }
  const { mode = "PASSTHROUGH" } = spec;
  if (mode === "PASSTHROUGH") return { mode: "passthrough" };
  if (mode === "AUTO_PASSTHROUGH") return { mode: "to-service" };
  if (!Object.hasOwn(CLIENT_CERTIFICATE, mode)) {
    report.add(
      "MESH0116",
      `${path}.mode`,
      `"${String(mode)}" is no mode that is known here, so the server is not opened: use one of PASSTHROUGH, AUTO_PASSTHROUGH, ${Object.keys(CLIENT_CERTIFICATE).join(", ")}`,
    );
    return undefined;
  }
  const foreign = [...credentialsOf(spec), spec.caCertCredentialName ?? ""].find(isForeign);
  if (foreign !== undefined) {
    report.add(
      "MESH0116",
      path,
      `credential "${foreign}" is not one that can be served, so the server is not opened: name a Secret of the gateway's namespace`,
    );
    return undefined;
  }
  const terminate = terminated({ ...spec, mode }, path, { report });
  if (terminate.mesh || terminate.credentials.length + terminate.files.length > 0) return terminate;
  report.add(
    "MESH0116",
    path,
    `tls.mode ${mode} needs a certificate, so the server is not opened: set tls.credentialName to a secret of type kubernetes.io/tls`,
  );
  return undefined;
}

/** A Secret that a server needs, and for what. */
export interface CredentialReference {
  readonly path: string;
  /** As the object calls the server. */
  readonly server: string;
  /** In the namespace of the gateway's pods. */
  readonly name: string;
  readonly part: "certificate" | "roots";
}

/** The Secrets that servers name; not those for which a server is not opened anyway. */
export function credentialReferences({
  servers = [],
}: GatewaySpec): readonly CredentialReference[] {
  return servers.flatMap(({ tls, port }, i) => {
    const speaksTls = tls !== undefined && ["HTTPS", "TLS"].includes(port.protocol.toUpperCase());
    const needs = speaksTls ? needsOf(tls, `spec.servers[${i}].tls`) : [];
    return needs
      .filter(({ name }) => !isForeign(name))
      .map(({ name, ...of }) => ({ ...of, name: secretName(name), server: port.name }));
  });
}

type Need = Omit<CredentialReference, "server">;

function needsOf(tls: GatewaySpecServersTls, path: string): readonly Need[] {
  const { mode = "PASSTHROUGH", credentialNames = [], caCertCredentialName: ca } = tls;
  if (!["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"].includes(mode)) return [];
  const own = credentialsOf(tls).map((name, i): Need => {
    const field = credentialNames.length === 0 ? "credentialName" : `credentialNames[${i}]`;
    return { path: `${path}.${field}`, name, part: "certificate" };
  });
  if (mode === "SIMPLE" || tls.caCertificates) return own;
  if (ca) return [...own, { path: `${path}.caCertCredentialName`, name: ca, part: "roots" }];
  if (tls.insecureSkipVerify) return own;
  return [...own, ...own.slice(0, 1).map((need): Need => ({ ...need, part: "roots" }))];
}

const CLIENT_CERTIFICATE: Readonly<Record<string, Terminate["clientCertificate"]>> = {
  SIMPLE: undefined,
  MUTUAL: "required",
  OPTIONAL_MUTUAL: "optional",
  ISTIO_MUTUAL: "required",
};

function terminated(
  spec: GatewaySpecServersTls & { readonly mode: string },
  path: string,
  site: Pick<Site, "report">,
): Terminate {
  const { mode } = spec;
  return {
    mode: "terminate",
    credentials: credentialsOf(spec).map(secretName),
    files: filesOf(spec),
    subjectAltNames: spec.subjectAltNames ?? [],
    spki: spec.verifyCertificateSpki ?? [],
    hashes: spec.verifyCertificateHash ?? [],
    cipherSuites: lowerSuites(spec.cipherSuites, `${path}.cipherSuites`, site.report),
    ...defined({
      clientCertificate: CLIENT_CERTIFICATE[mode],
      mesh: mode === "ISTIO_MUTUAL" ? true : undefined,
      caCredential: spec.caCertCredentialName ? secretName(spec.caCertCredentialName) : undefined,
      caFile: spec.caCertificates || undefined,
      crlFile: spec.caCrl || undefined,
      anyClient: spec.insecureSkipVerify || undefined,
      minVersion: tlsVersion(spec.minProtocolVersion, `${path}.minProtocolVersion`, site),
      maxVersion: tlsVersion(spec.maxProtocolVersion, `${path}.maxProtocolVersion`, site),
    }),
  };
}

function credentialsOf({
  credentialName,
  credentialNames = [],
}: GatewaySpecServersTls): readonly string[] {
  if (credentialNames.length > 0) return credentialNames;
  return credentialName ? [credentialName] : [];
}

const SECRET = "kubernetes://";

const secretName = (credential: string): string =>
  credential.startsWith(SECRET) ? credential.slice(SECRET.length) : credential;

/** Of another namespace, or by a server of secrets that is not here. */
const isForeign = (credential: string): boolean => secretName(credential).includes("/");

/** Certificates with their keys, of which there may be one of each algorithm. */
function filesOf({ tlsCertificates = [], ...spec }: GatewaySpecServersTls): Terminate["files"] {
  const all = tlsCertificates.length > 0 ? tlsCertificates : [spec];
  return all.flatMap(({ serverCertificate: chain, privateKey: key }) =>
    chain && key ? [{ chain, key }] : [],
  );
}

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  TLSV1_0: "1.0",
  TLSV1_1: "1.1",
  TLSV1_2: "1.2",
  TLSV1_3: "1.3",
};

/** Its word for "whatever the proxy takes". */
const ANY_VERSION = "TLS_AUTO";

function tlsVersion(
  text: string | undefined,
  path: string,
  { report }: Pick<Site, "report">,
): TlsVersion | undefined {
  if (text === undefined || text === ANY_VERSION) return undefined;
  const known = ownValue(VERSIONS, text);
  if (known === undefined)
    report.add(
      "MESH0117",
      path,
      `"${text}" is no version of TLS that is known here, so the proxy's own bound holds: use one of ${[ANY_VERSION, ...Object.keys(VERSIONS)].join(", ")}`,
    );
  return known;
}
