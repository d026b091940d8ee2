import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The checkout's directory, with a slash at its end. */
export const checkout = fileURLToPath(new URL("../../", import.meta.url));

/** A row of docs/istio-api.md. */
export interface ApiField {
  readonly id: string;
  /** Markdown. */
  readonly field: string;
  /** Istio has the field and does nothing with it. */
  readonly isGap: boolean;
}

/** A family of rows: one table of docs/istio-api.md. */
export interface ApiFamily {
  readonly prefix: string;
  /** What the rows are about, e.g. `VirtualService`. */
  readonly title: string;
  readonly fields: readonly ApiField[];
}

const HEADING = /^## ([A-Z]{2}) — (.*)$/;
const ROW = /^\| ([A-Z]{2}-\d+) \|/;
/** Cells end at a bar that is not escaped. */
const BAR = /(?<!\\)\|/;

export function apiFamilies(): readonly ApiFamily[] {
  const sections = readFileSync(`${checkout}docs/istio-api.md`, "utf8").split(/^(?=## )/m);
  return sections.flatMap((section) => {
    const [heading = "", ...lines] = section.split("\n");
    const [, prefix, about] = HEADING.exec(heading) ?? [];
    if (prefix === undefined || about === undefined) return [];
    const [title = ""] = about.split(" — ");
    return [{ prefix, title, fields: lines.filter((line) => ROW.test(line)).map(field) }];
  });
}

function field(line: string): ApiField {
  const [, id = "", text = "", becomes = ""] = line.split(BAR).map((cell) => cell.trim());
  return { id, field: text, isGap: becomes.includes("**GAP**") };
}
