/**
 * Routes say which VirtualService they come from and what traces call them, and clusters which service
 * they lead to. Envoy itself has no use for it, so it is told only where something in the mesh may
 * read it: it is a tenth of all bytes.
 */

/** Formats and matchers say that they do; spans are called by it; extensions read without saying so. */
const READERS = /metadata|tracing|wasm|golang|ext_proc|dynamic_modules/i;

/** @param configuration of a log, or what an EnvoyFilter adds */
export const mayReadDescriptions = (configuration: unknown): boolean =>
  READERS.test(JSON.stringify(configuration) ?? "");
