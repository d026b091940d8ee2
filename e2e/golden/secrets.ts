/** Secrets such as the control plane sends by SDS, made for the occasion. */
import { issueWorkload } from "../../src/ca/issue.ts";
import { createRoot, loadIssuer } from "../../src/ca/root.ts";

const HOUR_MS = 3_600_000;

export interface MeshSecrets {
  /** Those of a workload with that identity; all trust each other. */
  of(identity: string): Promise<readonly Record<string, unknown>[]>;
}

export async function meshSecrets(): Promise<MeshSecrets> {
  const now = new Date();
  const root = await createRoot({ trustDomain: "cluster.local", now, ttlMs: HOUR_MS });
  const issuer = await loadIssuer(root, { source: "a root for tests", now });
  return {
    async of(identity) {
      const leaf = await issueWorkload(issuer, { identity, ttlMs: HOUR_MS / 2, now });
      return [
        {
          name: "default",
          tlsCertificate: {
            certificateChain: { inlineString: leaf.certChainPem },
            privateKey: { inlineString: leaf.keyPem },
          },
        },
        { name: "ROOTCA", validationContext: { trustedCa: { inlineString: issuer.rootsPem } } },
      ];
    },
  };
}
