import type {
  VirtualServiceSpecHttp,
  VirtualServiceSpecHttpDirectResponse,
  VirtualServiceSpecHttpRedirect,
  VirtualServiceSpecHttpRewrite,
} from "../../api/gen/virtual-service.ts";
import { defined, filled } from "../../util/defined.ts";
import type { HttpAction, Redirect, Rewrite } from "../ir/route.ts";
import { lowerDestinations } from "./destination.ts";
import { isLine, isRegex, lowerLine, lowerPort, type Site } from "./site.ts";

/** What a rule answers that says nothing we can do: the requests it matches are not let through. */
const UNAVAILABLE: HttpAction = { kind: "respond", status: 503 };
export const BROKEN: HttpAction = { kind: "respond", status: 500 };

/** The first that a rule has is what becomes of its requests. */
const ACTIONS = ["redirect", "directResponse", "delegate", "route"] as const;

/** @param authority the host that the rule's header operations set */
export function lowerAction(
  rule: VirtualServiceSpecHttp,
  authority: string | undefined,
  path: string,
  site: Site,
): HttpAction {
  const said = ACTIONS.filter((action) =>
    action === "route" ? filled(rule.route) : rule[action] !== undefined,
  );
  if (said.length > 1)
    site.report.add(
      "MESH0103",
      path,
      `the rule has ${said.join(" and ")}, of which ${said[0]} counts: leave out the others`,
    );
  if (rule.redirect !== undefined) return redirectAction(rule.redirect, `${path}.redirect`, site);
  if (rule.directResponse !== undefined)
    return response(rule.directResponse, `${path}.directResponse`, site);
  // What holds while the delegate is not there.
  if (rule.delegate !== undefined) return UNAVAILABLE;
  if (rule.route === undefined || rule.route.length === 0) {
    site.report.add(
      "MESH0103",
      path,
      "the rule has no route, redirect, directResponse or delegate, so its requests are answered 503: add one",
    );
    return UNAVAILABLE;
  }
  const destinations = lowerDestinations(rule.route, `${path}.route`, site);
  if (destinations.length === 0) return UNAVAILABLE;
  const rewrite = lowerRewrite(rule.rewrite, authority, path, site);
  // Requests must not go out as if nobody had wanted to rewrite them.
  if (rewrite === "broken") return BROKEN;
  return { kind: "forward", destinations, ...defined({ rewrite }) };
}

/** @param setHost as for `lowerAction`; "broken": no request must go out, and that has been told */
export function lowerRewrite(
  spec: VirtualServiceSpecHttpRewrite = {},
  setHost: string | undefined,
  path: string,
  site: Site,
): Rewrite | "broken" | undefined {
  const uri = filled(spec.uri);
  const authority = setHost ?? filled(spec.authority);
  if (!isSound({ ...spec, ...defined({ authority }) }, `${path}.rewrite`, site)) return "broken";
  const { match: pattern = "", rewrite: substitution = "" } = spec.uriRegexRewrite ?? {};
  const rewrite = defined({
    prefix: uri,
    regex: pattern !== "" && uri === undefined ? { pattern, substitution } : undefined,
    authority,
  });
  return Object.keys(rewrite).length === 0 ? undefined : rewrite;
}

function isSound(
  { uri, authority, uriRegexRewrite: regex }: VirtualServiceSpecHttpRewrite,
  path: string,
  site: Site,
): boolean {
  return (
    isRegex(regex?.match ?? "", `${path}.uriRegexRewrite.match`, site) &&
    isLine(regex?.rewrite, `${path}.uriRegexRewrite.rewrite`, site) &&
    isLine(uri, `${path}.uri`, site) &&
    isLine(authority, `${path}.authority`, site)
  );
}

const REDIRECT_CODES = [301, 302, 303, 307, 308] as const;

function redirectAction(
  spec: VirtualServiceSpecHttpRedirect,
  path: string,
  site: Site,
): HttpAction {
  const prefix = filled(spec.prefixRewrite);
  const redirect: Redirect = {
    code: redirectCode(spec.redirectCode, path, site),
    ...defined({
      path: prefix === undefined ? lowerLine(filled(spec.uri), `${path}.uri`, site) : undefined,
      prefix: lowerLine(prefix, `${path}.prefixRewrite`, site),
      authority: lowerLine(filled(spec.authority), `${path}.authority`, site),
      scheme: lowerLine(filled(spec.scheme), `${path}.scheme`, site),
      port: lowerPort(spec.port, `${path}.port`, site),
      portFromRequest: spec.derivePort === "FROM_REQUEST_PORT" ? true : undefined,
    }),
  };
  return { kind: "redirect", redirect };
}

function redirectCode(code = 301, path: string, { report }: Site): Redirect["code"] {
  const known = REDIRECT_CODES.find((c) => c === code);
  if (known === undefined)
    report.add(
      "MESH0109",
      `${path}.redirectCode`,
      `${code} is not one of ${REDIRECT_CODES.join(", ")}: 301 is used`,
    );
  return known ?? 301;
}

/** Envoy refuses a longer one; the route configuration raises its limit to this. */
const MAX_BODY_BYTES = 1_048_576;

function response(
  { status, body }: VirtualServiceSpecHttpDirectResponse,
  path: string,
  { report }: Site,
): HttpAction {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    report.add(
      "MESH0109",
      `${path}.status`,
      `${status} is not a status from 200 to 599: requests are answered 503`,
    );
    return UNAVAILABLE;
  }
  const bytes = bodyOf(body);
  const sizeBytes = bytes?.length ?? 0;
  if (sizeBytes <= MAX_BODY_BYTES) return { kind: "respond", status, ...contentOf(bytes) };
  report.add(
    "MESH0109",
    `${path}.body`,
    `the body has ${sizeBytes} bytes and at most ${MAX_BODY_BYTES} are sent: requests are answered ${status} without it`,
  );
  return { kind: "respond", status };
}

function bodyOf(body: VirtualServiceSpecHttpDirectResponse["body"] = {}): Buffer | undefined {
  if (body.string !== undefined) return Buffer.from(body.string);
  return body.bytes === undefined ? undefined : Buffer.from(body.bytes, "base64");
}

/** Text where they are text: that is what reads well. */
function contentOf(bytes: Buffer | undefined): { readonly body?: string; readonly bytes?: string } {
  if (bytes === undefined) return {};
  const text = bytes.toString();
  return bytes.equals(Buffer.from(text)) ? { body: text } : { bytes: bytes.toString("base64") };
}
