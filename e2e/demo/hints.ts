/** What the demo ends with: commands that work for whoever started it, as he started it. */

import { CONTROL_PLANE_NAMESPACE } from "../../src/api/names.ts";
import { authorityOf } from "../harness/http.ts";

/** A command and what it shows. */
export type Hint = readonly [command: string, why: string];

export interface Ending {
  /** As one writes it for this cluster. */
  readonly kubectl: string;
  /** Where the ingress gateway answers; `forwarded` if only through the demo, which is about to end. */
  readonly ingress: { readonly host: string; readonly port: number; readonly forwarded?: boolean };
  /** The variables that say which cluster. */
  readonly given: { readonly CLUSTER: string; readonly NAME: string };
  /** Where the samples run. */
  readonly namespace: string;
  /** A file of routes to apply there. */
  readonly routes: string;
}

const LOCAL_PORT = 8080;

export function hints({ kubectl, ingress, given, namespace, routes }: Ending): readonly Hint[] {
  const origin = ingress.forwarded ? { host: "localhost", port: LOCAL_PORT } : ingress;
  const page = `http://${authorityOf(origin)}/productpage`;
  const forward = `${kubectl} port-forward -n ${CONTROL_PLANE_NAMESPACE} service/istio-ingressgateway ${LOCAL_PORT}:80 &`;
  return [
    ...(ingress.forwarded ? [[forward, "the way to the ingress gateway"] as const] : []),
    [`curl -s ${quoted(page)} | grep -o '★' | wc -l`, "no stars: reviews v1"],
    [
      `curl -s -b bookinfo-user=jason ${quoted(page)} | grep -o '★' | wc -l`,
      "nine stars: reviews v2",
    ],
    [`${kubectl} get meshconfig`, "the mesh in one line"],
    [`${kubectl} get pods -A`, "everything that runs"],
    [`${kubectl} apply -n ${namespace} -f ${routes}`, "red stars for everyone"],
    [["make demo-down", ...unusual(given)].join(" "), "removes all of it"],
  ];
}

/** Shells take brackets for a pattern. */
const quoted = (url: string): string => (url.includes("[") ? `'${url}'` : url);

const DEFAULTS: Ending["given"] = { CLUSTER: "local", NAME: "meshwright" };

const unusual = (given: Ending["given"]): readonly string[] =>
  (["CLUSTER", "NAME"] as const)
    .filter((name) => given[name] !== DEFAULTS[name])
    .map((name) => `${name}=${given[name]}`);
