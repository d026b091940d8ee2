import { rename, writeFile } from "node:fs/promises";

/** Writes a file that other processes see either as it was or whole. Only its owner may read it. */
export async function writeAtomically(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
