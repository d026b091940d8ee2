/** What the demo prints: one line per thing that happened, with the time since the start. */
import { say } from "../cluster/say.ts";

export { say };

export function chapter(title: string): void {
  process.stderr.write(`\n${title}\n`);
}

/** Does one thing and tells how long it took. */
export async function step<T>(title: string, run: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const value = await run();
  say(`${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return value;
}
