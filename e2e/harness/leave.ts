/**
 * Loaded before a test file: ends its process when its tests are over and something is still open,
 * be it a server that a test left or what a stuck test waits for. `--test-force-exit` ends it with
 * reports of tests that passed still on their way, when whoever reads them is slow.
 */
import type { Socket } from "node:net";
import { after } from "node:test";

const GRACE_MS = Number(process.env["LEAVE_AFTER_MS"] ?? 10_000);

after(() => leaveSoon(0));

/** Waits anew as long as reports go out. */
function leaveSoon(written: number): void {
  // Unreferenced: a process with nothing open ends by itself.
  setTimeout(() => {
    const { bytesWritten, writableLength } = process.stdout as unknown as Socket;
    if (writableLength > 0 || bytesWritten > written) return leaveSoon(bytesWritten);
    const open = process.getActiveResourcesInfo().join(", ");
    process.stderr.write(`still open after the last test: ${open}\n`);
    process.exit(process.exitCode || 1);
  }, GRACE_MS).unref();
}
