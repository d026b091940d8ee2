/** What is wrong with the Secrets that a DestinationRule names for gateways. */
import type { Check } from "./check.ts";
import type { CredentialPart } from "./credential.ts";
import { type Fault, faultOf } from "./credential-findings.ts";
import { MESH_WIDE } from "./inputs.ts";
import type { DestinationRule } from "./istio/destination-rule.ts";
import type { OriginCredential } from "./istio/origin-credentials.ts";
import { isVisible } from "./visibility.ts";

/** Which of the gateways connect to the host nobody says: it is enough if those of one namespace can. */
export function checkOrigins(rule: DestinationRule, check: Check): void {
  if (rule.credentials.length === 0) return;
  const namespaces = gatewayNamespaces(rule, check);
  if (namespaces.length === 0)
    check.report.addUntold("MESH0121", "spec.exportTo", "no gateway that sees it has pods");
  for (const credential of rule.credentials) {
    const faults = namespaces.map((namespace) => faultOf(credential, namespace, check));
    const known = faults.filter((fault) => fault !== undefined);
    if (known.length > 0 && known.length === faults.length) tell(credential, known, check);
  }
}

function gatewayNamespaces(rule: DestinationRule, { cx, from }: Check): readonly string[] {
  return cx
    .get(from.gatewayNamespaces, MESH_WIDE)
    .filter(
      (namespace) =>
        isVisible(rule, namespace) && (rule.clients === undefined || namespace === rule.namespace),
    );
}

const REMEDY: Readonly<Record<CredentialPart, string>> = {
  certificate: "give it a certificate chain as tls.crt and its key as tls.key",
  roots: "give it the roots that the server's certificate comes from as ca.crt",
};

const EXPIRED: Readonly<Record<CredentialPart, string>> = {
  certificate: "has a certificate that servers refuse, for it expired",
  roots: "has roots by which no server is believed, for they expired",
};

/** A Secret that is there is the one that is meant. */
function tell({ path, part }: OriginCredential, faults: readonly Fault[], { report }: Check): void {
  const there = faults.find(({ kind }) => kind !== "missing");
  const effect = `so no gateway connects to the host: ${REMEDY[part]}`;
  if (there === undefined) {
    const secrets = faults.flatMap((fault) => (fault.kind === "missing" ? fault.secret : []));
    report.add("MESH0119", path, `there is no Secret ${secrets.join(" or ")}, ${effect}`);
  } else if (there.kind === "unusable") report.add("MESH0120", path, `${there.what}, ${effect}`);
  else if (there.kind === "expired")
    report.add(
      "MESH0120",
      path,
      `Secret ${there.secret} ${EXPIRED[part]} at ${there.when}: renew it`,
    );
}
