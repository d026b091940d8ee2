import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodSpec } from "../api/gen/kubernetes.ts";
import { decide } from "./policy.ts";

const policy = {
  revision: "prod",
  excludedNamespaces: ["meshwright-operator", "mesh-system"],
};

interface Case {
  readonly name: string;
  readonly want: boolean;
  /** Labels of the namespace as they are known here; `null` if they are not. */
  readonly namespace?: Readonly<Record<string, string>> | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly in?: string;
  readonly spec?: Partial<PodSpec>;
}

const enabled = { "istio-injection": "enabled" };
const inject = (value: string) => ({ "sidecar.istio.io/inject": value });
const revision = (value: string) => ({ "istio.io/rev": value });

const CASES: readonly Case[] = [
  { name: "what the API server has chosen", want: true },
  { name: "a namespace whose new labels have not come", want: true, namespace: {} },
  {
    name: "a namespace whose old labels are still there",
    want: true,
    namespace: { "istio-injection": "disabled", ...revision("canary") },
  },
  { name: "an unknown namespace", want: true, namespace: null },
  { name: "pod label declines", want: false, labels: inject("false") },
  { name: "pod annotation declines", want: false, annotations: inject("false") },
  {
    name: "pod declines in an unknown namespace",
    want: false,
    namespace: null,
    labels: inject("false"),
  },
  {
    name: "label before annotation",
    want: true,
    labels: inject("true"),
    annotations: inject("false"),
  },
  { name: "a word that is no yes", want: false, labels: inject("maybe") },
  { name: "another yes", want: true, annotations: inject("On") },
  { name: "empty word leaves it to the API server", want: true, labels: inject("") },
  {
    name: "pod of our revision declines",
    want: false,
    labels: { ...revision("prod"), ...inject("false") },
  },
  { name: "host network", want: false, spec: { hostNetwork: true } },
  { name: "windows", want: false, spec: { os: { name: "windows" } } },
  { name: "kube-system", want: false, in: "kube-system" },
  { name: "the control plane's namespace", want: false, in: "mesh-system" },
  { name: "a gateway", want: false, labels: { "meshwright.dev/proxy": "gateway" } },
  {
    name: "the operator's own question",
    want: true,
    in: "meshwright-operator",
    labels: { "meshwright.dev/probe": "injection" },
  },
];

for (const { name, want, ...given } of CASES)
  test(name, () => {
    const { labels = {}, annotations = {}, namespace = enabled, spec = {} } = given;
    const decision = decide(
      { metadata: { labels, annotations }, spec: { containers: [{ name: "web" }], ...spec } },
      { name: given.in ?? "shop", labels: namespace ?? undefined },
      policy,
    );
    assert.equal(decision.inject, want, decision.reason);
  });

for (const [namespace, labels, want] of [
  [enabled, revision("prod"), "the namespace says istio-injection: enabled"],
  [revision("prod"), revision("canary"), "the namespace says istio.io/rev: prod"],
  [{}, revision("default"), "the pod says istio.io/rev: default"],
  [{}, inject("true"), "the pod says sidecar.istio.io/inject: true"],
  [revision("canary"), {}, "the webhook's selectors chose it"],
] as const)
  test(`the reason is told in the words of the labels: ${want}`, () => {
    const pod = { metadata: { labels }, spec: { containers: [] } };
    const { reason } = decide(pod, { name: "shop", labels: namespace }, policy);
    assert.equal(reason, want);
  });
