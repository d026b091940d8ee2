/** TLS to servers that are not of the mesh. */
import type { MeshSettings } from "../../model/ir/mesh.ts";
import type { TlsOrigin } from "../../model/ir/traffic.ts";
import type { TransportSocket } from "../../proto/gen/envoy/config/core/v3/base.ts";
import type { CommonTlsContext } from "../../proto/gen/envoy/extensions/transport_sockets/tls/v3/tls.ts";
import { typed } from "../../proto/types.ts";
import {
  certificateFile,
  credentialCertificate,
  credentialRoots,
  rootsFile,
} from "../secret-name.ts";
import { anyName, secret, TLS, tlsParameters } from "../tls.ts";

/** @param http2 whether requests are sent as HTTP/2 */
export function originatedTls(
  { traffic }: MeshSettings,
  origin: TlsOrigin,
  http2: boolean,
): TransportSocket {
  const { sni } = origin;
  return {
    name: TLS,
    typedConfig: typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {
      commonTlsContext: {
        tlsParams: tlsParameters(traffic?.otherTls),
        ...certificates(origin),
        ...validation(origin),
        ...(http2 && { alpnProtocols: ["h2"] }),
      },
      ...(sni !== undefined && { sni }),
    }),
  };
}

/** The secrets it names, each of which a proxy asks for. */
export const originSecrets = (origin: TlsOrigin): readonly string[] => [
  ...certificateSecrets(origin),
  ...(origin.skipVerify ? [] : [rootsSecret(origin)]),
];

const certificateSecrets = ({ certificate, credential: name, mutual }: TlsOrigin): string[] => {
  if (certificate !== undefined) return [certificateFile(certificate)];
  return name !== undefined && mutual ? [credentialCertificate(name)] : [];
};

const rootsSecret = ({ credential: name, caFile, crlFile }: TlsOrigin): string =>
  name === undefined ? rootsFile(caFile, crlFile) : credentialRoots(name);

function certificates(origin: TlsOrigin): CommonTlsContext {
  const names = certificateSecrets(origin);
  return names.length === 0 ? {} : { tlsCertificateSdsSecretConfigs: names.map(secret) };
}

function validation(origin: TlsOrigin): CommonTlsContext {
  if (origin.skipVerify) return {};
  return {
    combinedValidationContext: {
      defaultValidationContext: { matchTypedSubjectAltNames: origin.subjectAltNames.map(anyName) },
      validationContextSdsSecretConfig: secret(rootsSecret(origin)),
    },
  };
}
