const start = performance.now();

/** Tells the person at the terminal what happens now, and when. */
export function say(text: string): void {
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stderr.write(`${seconds.padStart(6)}s  ${text}\n`);
}

/** Writes a result: what a script may read. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
