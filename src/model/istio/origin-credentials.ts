/** The Secrets that a DestinationRule names, for TLS to servers that are not of the mesh. */
import type {
  DestinationRuleSpec,
  DestinationRuleSpecTrafficPolicy,
} from "../../api/gen/destination-rule.ts";
import type { CredentialPart } from "../credential.ts";

export interface OriginCredential {
  readonly path: string;
  readonly name: string;
  readonly part: CredentialPart;
}

export function originCredentials({
  trafficPolicy,
  subsets = [],
}: Partial<DestinationRuleSpec> = {}): readonly OriginCredential[] {
  return [
    ...ofPolicy(trafficPolicy, "spec.trafficPolicy"),
    ...subsets.flatMap((subset, i) =>
      ofPolicy(subset.trafficPolicy, `spec.subsets[${i}].trafficPolicy`),
    ),
  ];
}

function ofPolicy(
  policy: DestinationRuleSpecTrafficPolicy | undefined,
  path: string,
): readonly OriginCredential[] {
  const { tls, portLevelSettings = [] } = policy ?? {};
  return [
    ...ofTls(tls, `${path}.tls`),
    ...portLevelSettings.flatMap((port, i) =>
      ofTls(port.tls, `${path}.portLevelSettings[${i}].tls`),
    ),
  ];
}

type Tls = NonNullable<DestinationRuleSpecTrafficPolicy["tls"]>;

/** Files of the proxy's own go before a certificate of the Secret's. */
function ofTls(tls: Tls | undefined, path: string): readonly OriginCredential[] {
  const { mode, credentialName: name, clientCertificate, privateKey } = tls ?? {};
  if (!name || (mode !== "SIMPLE" && mode !== "MUTUAL")) return [];
  const hasFiles = Boolean(clientCertificate && privateKey);
  const parts: readonly CredentialPart[] = [
    ...(mode === "MUTUAL" && !hasFiles ? (["certificate"] as const) : []),
    ...(tls?.insecureSkipVerify ? [] : (["roots"] as const)),
  ];
  return parts.map((part) => ({ path: `${path}.credentialName`, name, part }));
}
