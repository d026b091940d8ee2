/**
 * Runs `work` after every change, never twice at once: changes during a run lead to one more run. A
 * run that was not complete, or failed, is repeated after a while.
 */
export function settler(
  work: () => Promise<boolean>,
  {
    retryMs,
    signal,
    onError,
  }: {
    readonly retryMs: number;
    readonly signal: AbortSignal;
    readonly onError: (error: unknown) => void;
  },
): () => void {
  let isRunning = false;
  let isDue = false;
  let timer: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    isRunning = true;
    let isComplete = true;
    while (isDue && !signal.aborted) {
      isDue = false;
      isComplete = await work().catch((error: unknown) => {
        onError(error);
        return false;
      });
    }
    isRunning = false;
    if (!isComplete && !signal.aborted) timer = setTimeout(changed, retryMs).unref();
  };
  const changed = (): void => {
    clearTimeout(timer);
    isDue = true;
    if (!isRunning && !signal.aborted) void run();
  };
  return changed;
}
