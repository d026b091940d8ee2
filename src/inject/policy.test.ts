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
  /** Labels of the namespace; `null` if they are not known. */
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
  { name: "nothing asks", want: false },
  { name: "namespace enabled", want: true, namespace: enabled },
  { name: "namespace disabled", want: false, namespace: { "istio-injection": "disabled" } },
  { name: "pod label declines", want: false, namespace: enabled, labels: inject("false") },
  {
    name: "pod annotation declines",
    want: false,
    namespace: enabled,
    annotations: inject("false"),
  },
  {
    name: "label before annotation",
    want: true,
    namespace: enabled,
    labels: inject("true"),
    annotations: inject("false"),
  },
  { name: "a word that is no yes", want: false, namespace: enabled, labels: inject("maybe") },
  { name: "another yes", want: true, namespace: enabled, annotations: inject("On") },
  {
    name: "empty word leaves it to the namespace",
    want: true,
    namespace: enabled,
    labels: inject(""),
  },
  { name: "pod asks in a plain namespace", want: true, labels: inject("true") },
  { name: "annotation alone does not ask", want: false, annotations: inject("true") },
  {
    name: "pod asks in a disabled namespace",
    want: false,
    namespace: { "istio-injection": "disabled" },
    labels: inject("true"),
  },
  { name: "namespace of our revision", want: true, namespace: revision("prod") },
  { name: "namespace of the default revision", want: true, namespace: revision("default") },
  { name: "namespace of another revision", want: false, namespace: revision("canary") },
  {
    name: "pod asks in a namespace of another revision",
    want: false,
    namespace: revision("canary"),
    labels: inject("true"),
  },
  {
    name: "istio-injection before istio.io/rev",
    want: true,
    namespace: { ...enabled, ...revision("canary") },
  },
  { name: "pod of our revision", want: true, labels: revision("prod") },
  { name: "pod of another revision", want: false, labels: { ...revision("x"), ...inject("true") } },
  {
    name: "namespace's revision before the pod's",
    want: true,
    namespace: revision("prod"),
    labels: revision("canary"),
  },
  {
    name: "pod of our revision declines",
    want: false,
    labels: { ...revision("prod"), ...inject("false") },
  },
  { name: "host network", want: false, namespace: enabled, spec: { hostNetwork: true } },
  { name: "windows", want: false, namespace: enabled, spec: { os: { name: "windows" } } },
  { name: "kube-system", want: false, namespace: enabled, in: "kube-system" },
  { name: "the control plane's namespace", want: false, namespace: enabled, in: "mesh-system" },
  {
    name: "a gateway",
    want: false,
    namespace: enabled,
    labels: { "meshwright.dev/proxy": "gateway" },
  },
  {
    name: "the operator's own question",
    want: true,
    in: "meshwright-operator",
    labels: { "meshwright.dev/probe": "injection" },
  },
  { name: "unknown namespace is the API server's choice", want: true, namespace: null },
  {
    name: "unknown namespace, pod declines",
    want: false,
    namespace: null,
    labels: inject("false"),
  },
];

for (const { name, want, ...given } of CASES)
  test(name, () => {
    const { labels = {}, annotations = {}, namespace = {}, spec = {} } = given;
    const decision = decide(
      { metadata: { labels, annotations }, spec: { containers: [{ name: "web" }], ...spec } },
      { name: given.in ?? "shop", labels: namespace ?? undefined },
      policy,
    );
    assert.equal(decision.inject, want, decision.reason);
  });
