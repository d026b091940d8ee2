import type { ServingCertificate } from "../ads/serving.ts";
import type { Authority } from "../ca/authority.ts";
import { errorFields, type Log } from "../util/log.ts";

const RETRY_MS = 30_000;
/** The longest delay that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ServingOptions {
  readonly authority: Authority;
  readonly dnsNames: readonly string[];
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A certificate for our own ports, made in memory; `onRenew` gets another well before it ends. */
export async function keepServing(
  { authority, dnsNames, log, signal }: ServingOptions,
  onRenew: (certificate: ServingCertificate) => void,
): Promise<ServingCertificate> {
  let timer: NodeJS.Timeout | undefined;
  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(renew, Math.min(delayMs, MAX_TIMER_MS)).unref();
  };
  const issue = async (): Promise<ServingCertificate> => {
    const certificate = await authority.issueServing(dnsNames);
    schedule(Math.max(certificate.renewAt.getTime() - Date.now(), RETRY_MS));
    return certificate;
  };
  const renew = (): void => {
    issue().then(onRenew, (error: unknown) => {
      log.error(`no new serving certificate: ${String(error)}`, errorFields(error));
      schedule(RETRY_MS);
    });
  };
  const undo = authority.onRootChange(renew);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    undo();
  });
  return issue();
}
