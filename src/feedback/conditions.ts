/** What an object's status says of it: pure. */
import {
  type Condition,
  conditionOf,
  mergeConditions,
  type NewCondition,
} from "../api/conditions.ts";
import type { Diagnostic } from "../api/diagnostic.ts";

/** What proxies do not take of an object. */
export interface Rejected {
  readonly proxies: number;
  /** One of them, `namespace/name`. */
  readonly example: string;
  /** What it was sent, e.g. `VirtualHost 9080/reviews.shop.svc.cluster.local:9080`. */
  readonly resource: string;
  /** Envoy's words. */
  readonly message: string;
  /** Field of the object with the patch without which the proxies have the resource instead. */
  readonly without?: string;
}

export interface Facts {
  readonly generation: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly rejected?: Rejected | undefined;
}

type Verdict = Omit<NewCondition, "observedGeneration">;

const ACCEPTED = "Accepted";
/** Whether what the object names is there. */
export const RESOLVED = "ResolvedRefs";
/** Whether proxies take what is made of the object. */
export const PROGRAMMED = "Programmed";
/** The types of all our conditions: each object has them, once it was looked at. */
export const CONDITION_TYPES = [ACCEPTED, RESOLVED, PROGRAMMED] as const;
const NOT_FOUND: Readonly<Record<string, string>> = {
  MESH0104: "DestinationNotFound",
  MESH0105: "SubsetNotFound",
  MESH0106: "GatewayNotFound",
  MESH0119: "CredentialNotFound",
  MESH0120: "CredentialInvalid",
  MESH0121: "PodsNotFound",
  MESH0123: "NotExportedToGateway",
  MESH0124: "HostNotServed",
};
/** A person reads this; all of them are in `meshwright analyze`. */
const MOST_TOLD = 10;
/** Envoy quotes what it was sent, which may be as long as an object may be. */
const LONGEST = 1_000;

/** All our conditions, as they should be. */
export function conditionsOf({
  generation,
  diagnostics,
  rejected,
}: Facts): readonly NewCondition[] {
  const missing = diagnostics.filter(({ code }) => code in NOT_FOUND);
  const own = diagnostics.filter(({ code }) => !(code in NOT_FOUND));
  return [accepted(own), resolved(missing), programmed(rejected)].map((verdict) => ({
    ...verdict,
    observedGeneration: generation,
  }));
}

function accepted(diagnostics: readonly Diagnostic[]): Verdict {
  const type = ACCEPTED;
  const isInvalid = diagnostics.some(({ level }) => level === "error");
  if (isInvalid) return { type, status: "False", reason: "Invalid", message: told(diagnostics) };
  if (diagnostics.length > 0)
    return { type, status: "True", reason: "AcceptedWithWarnings", message: told(diagnostics) };
  return { type, status: "True", reason: type, message: "no fault was found" };
}

function resolved(missing: readonly Diagnostic[]): Verdict {
  const type = RESOLVED;
  const [first] = missing;
  if (first === undefined)
    return { type, status: "True", reason: type, message: "everything it names is there" };
  const reason = NOT_FOUND[first.code] ?? first.code;
  return { type, status: "False", reason, message: told(missing) };
}

function programmed(rejected: Rejected | undefined): Verdict {
  const type = PROGRAMMED;
  if (rejected === undefined)
    return { type, status: "True", reason: type, message: "no proxy rejects what is made of it" };
  const { proxies, example, resource, message, without } = rejected;
  const who = proxies === 1 ? `the proxy ${example}` : `${proxies} proxies, ${example} among them,`;
  const words = clip(message);
  return {
    type,
    status: "False",
    reason: "Rejected",
    message:
      without === undefined
        ? `Envoy rejects ${resource} at ${who} and keeps what it had: ${words}`
        : `Envoy rejects ${resource} at ${who} if ${without} is applied, so it is left out there: ${words}`,
  };
}

/** Errors first. */
function told(diagnostics: readonly Diagnostic[]): string {
  const sorted = diagnostics.toSorted((a, b) => rank(a) - rank(b));
  const lines = sorted
    .slice(0, MOST_TOLD)
    .map(({ code, path, message }) => `${path}: ${clip(message)} (${code})`);
  const more = sorted.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}

const rank = ({ level }: Diagnostic): number => (level === "error" ? 0 : 1);

const clip = (text: string): string =>
  text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;

/**
 * The conditions to write, or `undefined` if they say all that already. Those of other controllers
 * stay as they are; a condition whose status stays keeps its time.
 */
export function transition(
  current: readonly Condition[],
  wanted: readonly NewCondition[],
  now: Date,
): readonly Condition[] | undefined {
  const byType = new Map(current.map((condition) => [condition.type, condition]));
  if (wanted.every((condition) => says(byType.get(condition.type), condition))) return undefined;
  const ours = new Set(wanted.map(({ type }) => type));
  const others = current.filter(({ type }) => !ours.has(type));
  return [...others, ...mergeConditions(current, wanted, now)];
}

/** The condition, if it tells of a fault of this very generation. */
export function toldFault(
  { conditions, generation }: { conditions: readonly Condition[]; generation: number },
  type: string,
): Condition | undefined {
  const condition = conditionOf(conditions, type);
  const isTold =
    condition?.status === "False" && Number(condition.observedGeneration) === generation;
  return isTold ? condition : undefined;
}

function says(current: NewCondition | undefined, wanted: NewCondition): boolean {
  return (
    current !== undefined &&
    current.status === wanted.status &&
    current.reason === wanted.reason &&
    current.message === wanted.message &&
    // The schema allows text here.
    Number(current.observedGeneration) === wanted.observedGeneration
  );
}

/** Whether all that changed is in which words a rejection is told, e.g. by how many proxies. */
export function isRewording(
  current: readonly NewCondition[],
  wanted: readonly NewCondition[],
): boolean {
  const byType = new Map(current.map((condition) => [condition.type, condition]));
  return wanted.every((condition) => {
    const before = byType.get(condition.type);
    if (before === undefined || condition.type !== PROGRAMMED) return says(before, condition);
    return says({ ...before, message: condition.message }, condition);
  });
}
