/** Writes docs/api-support.md. Run by `make generate`; the output is committed. */
import { writeFileSync } from "node:fs";
import { apiSupportPage } from "./api-support/page.ts";
import { checkout } from "./api-support/reference.ts";

writeFileSync(`${checkout}docs/api-support.md`, apiSupportPage());
