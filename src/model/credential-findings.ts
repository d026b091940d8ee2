/** What keeps proxies of a namespace from using a Secret that an object names. */
import type { Check } from "./check.ts";
import type { CredentialModel, CredentialPart } from "./credential.ts";
import { ROOTS_SUFFIX } from "./ir/credential.ts";

/** A Secret that is needed, and for what. */
export interface Need {
  readonly name: string;
  readonly part: CredentialPart;
}

export type Fault =
  | { readonly kind: "missing"; readonly secret: string }
  /** In words that say of which Secret. */
  | { readonly kind: "unusable"; readonly what: string }
  | { readonly kind: "expired"; readonly secret: string; readonly when: string };

/** `undefined`: it can be used. */
export function faultOf(
  need: Need,
  namespace: string,
  { cx, from }: Pick<Check, "cx" | "from">,
): Fault | undefined {
  const { name, part } = need;
  const found = secretsFor(need, namespace, { cx, from });
  if (found.length === 0) return { kind: "missing", secret: `${namespace}/${name}` };
  const served = found.find(({ faults }) => faults[part] === undefined);
  if (served === undefined) {
    const faults = found.map(({ key, faults: of }) => `Secret ${key} ${of[part]}`);
    return { kind: "unusable", what: faults.join(" and ") };
  }
  const expires = served.expires[part];
  if (!cx.get(from.passedTimes, String(expires))) return undefined;
  return { kind: "expired", secret: served.key, when: new Date(expires ?? 0).toISOString() };
}

interface Found extends CredentialModel {
  readonly key: string;
}

/** Roots may be in a Secret of their own, beside the one that is named. */
function secretsFor(
  { name, part }: Need,
  namespace: string,
  { cx, from }: Pick<Check, "cx" | "from">,
): readonly Found[] {
  const names = part === "roots" ? [name, `${name}${ROOTS_SUFFIX}`] : [name];
  return names.flatMap((one) => {
    const key = `${namespace}/${one}`;
    const secret = cx.get(from.secrets, key);
    return secret === undefined ? [] : [{ key, ...secret }];
  });
}
