import type { JSONWebKeySet } from "jose";
import type { TokenIssuer, TokenUser } from "../ads/auth.ts";
import type { Client } from "../kube/client.ts";

/** The part of a TokenReview's status that says who a token belongs to. */
interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly user?: {
    readonly username?: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

const POD_NAME = "authentication.kubernetes.io/pod-name";
const POD_UID = "authentication.kubernetes.io/pod-uid";

/** The API server as the issuer of service account tokens. */
export function tokenIssuer(client: Client): TokenIssuer {
  const read = (path: string): Promise<unknown> =>
    client.request({ doing: `read ${path}`, method: "GET", path });
  return {
    async discover() {
      const [configuration, keys] = await Promise.all([
        read("/.well-known/openid-configuration"),
        read("/openid/v1/jwks"),
      ]);
      const { issuer } = configuration as { readonly issuer: string };
      return { issuer, keys: keys as JSONWebKeySet };
    },

    async review(token, audience) {
      const review = (await client.request({
        doing: "review a token",
        method: "POST",
        path: "/apis/authentication.k8s.io/v1/tokenreviews",
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenReview",
          spec: { token, audiences: [audience] },
        },
      })) as { readonly status?: ReviewStatus };
      return userOf(review.status ?? {}, audience);
    },
  };
}

/** Who the API server says it is; an answer for another audience is no answer to us. */
export function userOf(
  { authenticated, audiences, user }: ReviewStatus,
  audience: string,
): TokenUser | undefined {
  if (!authenticated || !audiences?.includes(audience)) return undefined;
  const [, namespace, serviceAccount] =
    /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user?.username ?? "") ?? [];
  if (namespace === undefined || serviceAccount === undefined) return undefined;
  return { namespace, serviceAccount, pod: podOf(user?.extra) };
}

function podOf(extra: Readonly<Record<string, readonly string[]>> = {}): TokenUser["pod"] {
  const [name] = extra[POD_NAME] ?? [];
  const [uid] = extra[POD_UID] ?? [];
  return name !== undefined && uid !== undefined ? { name, uid } : undefined;
}
