import type { Quantity } from "../../api/gen/kubernetes.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY =
  /^([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)(?:([eE][+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/**
 * Bytes of a Kubernetes quantity; `undefined` if it is none.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function quantityBytes(text: string): number | undefined {
  const value = amount(text);
  return value === undefined ? undefined : Math.floor(value);
}

/** What is no quantity is not less. */
export const lesserQuantity = (quantity: Quantity, most: string): Quantity =>
  (amount(quantity) ?? Infinity) < (amount(most) ?? Infinity) ? quantity : most;

function amount(text: string): number | undefined {
  const [, number, exponent = "", unit = ""] = QUANTITY.exec(text) ?? [];
  const factor = UNITS[unit];
  if (number === undefined || factor === undefined) return undefined;
  return Number(number + exponent) * factor;
}
