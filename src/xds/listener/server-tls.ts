/** How a gateway's server shows who it is, and whom it lets in. */
import type { ServerTls, TlsVersion } from "../../model/ir/listener.ts";
import type { Mesh } from "../../model/ir/mesh.ts";
import type { TlsBounds } from "../../model/ir/mesh-traffic.ts";
import type { TransportSocket } from "../../proto/gen/envoy/config/core/v3/base.ts";
import type {
  CertificateValidationContext,
  TlsParameters,
  TlsParameters_TlsProtocol,
} from "../../proto/gen/envoy/extensions/transport_sockets/tls/v3/common.ts";
import type { CommonTlsContext } from "../../proto/gen/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { typed } from "../../proto/types.ts";
import {
  certificateFile,
  credentialCertificate,
  credentialRoots,
  rootsFile,
} from "../secret-name.ts";
import { anyName, curves, downstreamMutualTls, knownSuites, secret, TLS } from "../tls.ts";

export type Terminate = Extract<ServerTls, { mode: "terminate" }>;

/** The secrets it names. One that is not there would keep every server of the port from opening. */
export const serverSecrets = (tls: Terminate): readonly string[] =>
  tls.mesh ? [] : [...certificateSecrets(tls), ...rootsSecrets(tls)];

const certificateSecrets = ({ credentials, files }: Terminate): readonly string[] => [
  ...credentials.map(credentialCertificate),
  ...files.map(certificateFile),
];

function rootsSecrets(tls: Terminate): readonly string[] {
  if (tls.clientCertificate === undefined) return [];
  if (tls.caFile !== undefined) return [rootsFile(tls.caFile, tls.crlFile)];
  if (tls.anyClient && tls.caCredential === undefined) return [];
  const name = tls.caCredential ?? tls.credentials[0];
  return [name === undefined ? rootsFile() : credentialRoots(name)];
}

export function serverTls(mesh: Mesh, tls: Terminate, alpn: readonly string[]): TransportSocket {
  if (tls.mesh) return downstreamMutualTls(mesh.settings);
  return {
    name: TLS,
    typedConfig: typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {
      commonTlsContext: {
        tlsParams: parameters(tls, mesh.settings.traffic?.otherTls),
        tlsCertificateSdsSecretConfigs: certificateSecrets(tls).map(secret),
        ...validation(tls),
        ...(alpn.length > 0 && { alpnProtocols: [...alpn] }),
      },
      requireClientCertificate: tls.clientCertificate === "required",
    }),
  };
}

function validation(tls: Terminate): CommonTlsContext {
  const [roots] = rootsSecrets(tls);
  if (tls.clientCertificate === undefined) return {};
  if (roots === undefined) return { validationContext: clientConditions(tls) };
  return {
    combinedValidationContext: {
      defaultValidationContext: clientConditions(tls),
      validationContextSdsSecretConfig: secret(roots),
    },
  };
}

/** A hash that is none would have the proxy refuse the listener; it can match nothing anyway. */
const SPKI = /^[A-Za-z0-9+/]{43}=$/;
const HASH = /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;

const clientConditions = ({
  subjectAltNames,
  spki,
  hashes,
  anyClient,
}: Terminate): CertificateValidationContext => ({
  matchTypedSubjectAltNames: subjectAltNames.map(anyName),
  verifyCertificateSpki: spki.filter((one) => SPKI.test(one)),
  verifyCertificateHash: hashes.filter((one) => HASH.test(one)),
  ...(anyClient && { trustChainVerification: "ACCEPT_UNTRUSTED" }),
});

const VERSIONS: Readonly<Record<TlsVersion, TlsParameters_TlsProtocol>> = {
  "1.0": "TLSv1_0",
  "1.1": "TLSv1_1",
  "1.2": "TLSv1_2",
  "1.3": "TLSv1_3",
};

function parameters(tls: Terminate, bounds: TlsBounds | undefined): TlsParameters {
  const { minVersion = bounds?.minVersion ?? "1.2", maxVersion, cipherSuites } = tls;
  const own = knownSuites(cipherSuites);
  const ciphers = own.length > 0 ? own : knownSuites(bounds?.cipherSuites ?? []);
  return {
    tlsMinimumProtocolVersion: VERSIONS[minVersion],
    ...(maxVersion !== undefined && {
      tlsMaximumProtocolVersion: VERSIONS[maxVersion < minVersion ? minVersion : maxVersion],
    }),
    ...(ciphers.length > 0 && { cipherSuites: [...ciphers] }),
    ...curves(bounds),
  };
}
