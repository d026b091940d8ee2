/** Certificates with their keys that nobody trusts, as a Secret's data: those of a story. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { objects } from "./fixtures.ts";

const STORY = join(import.meta.dirname, "../../testdata/gateway-certificates/in.yaml");

type Data = Readonly<Record<string, string>>;

const found = objects(readFileSync(STORY, "utf8"));

function dataOf(name: string): Data {
  const secret = found.find(({ kind, metadata }) => kind === "Secret" && metadata.name === name) as
    | { readonly data?: Data }
    | undefined;
  if (secret?.data === undefined) throw new RangeError(`${STORY} has no Secret ${name}`);
  return secret.data;
}

export const CREDENTIALS = {
  ecdsa: dataOf("ecdsa"),
  rsa: dataOf("rsa"),
  roots: dataOf("clients"),
} as const;
