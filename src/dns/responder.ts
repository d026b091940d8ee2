/** What is said to a pod that asks: the mesh's own answers, and nothing about all else. */
import type { Asker } from "./askers.ts";
import { answer, familyOf, parseQuestion } from "./question.ts";

/** The addresses of a host, as this pod's proxy listens for it; `undefined`: it is not the mesh's. */
export type Names = (host: string, asker: Asker) => readonly string[] | undefined;

/**
 * The answer, or `undefined` for what belongs to the cluster's resolver. Addresses of a family that
 * the pod does not have are of no use to it; with no others, the name is left to that resolver, too.
 */
export function respond(
  message: Buffer,
  { asker, names, transport }: { asker: Asker; names: Names; transport: "udp" | "tcp" },
): Buffer | undefined {
  const question = parseQuestion(message);
  if (question === undefined) return undefined;
  const families = new Set(asker.addresses.map(familyOf));
  const addresses = names(question.name, asker)?.filter((one) => families.has(familyOf(one))) ?? [];
  return addresses.length === 0 ? undefined : answer(question, addresses, transport);
}
