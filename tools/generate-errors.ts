/** Writes docs/errors.md. Run by `make generate` only; the output is committed. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { errorsPage } from "./print-errors.ts";

writeFileSync(resolve(import.meta.dirname, "../docs/errors.md"), errorsPage());
