import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelSelector } from "../api/gen/kubernetes.ts";
import { settingsOf } from "./settings.ts";
import { injectionWebhook } from "./webhook.ts";

type Labels = Readonly<Record<string, string>>;

const settings = settingsOf(
  { apiVersion: "meshwright.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "prod" } },
  { version: "0.1.0", image: "meshwright", proxyImage: "proxy" },
);
const { webhooks = [] } = injectionWebhook(settings, {
  caBundlePem: "ROOT",
  failurePolicy: "Fail",
});

/** As the API server reads a selector. */
const matches = (
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Labels,
): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === "DoesNotExist") return value === undefined;
    const isListed = value !== undefined && values.includes(value);
    return operator === "In" ? isListed : !isListed;
  });

const isChosen = (namespace: string, labels: Labels, pod: Labels): boolean =>
  webhooks.some(
    ({ namespaceSelector = {}, objectSelector = {} }) =>
      matches(namespaceSelector, { "kubernetes.io/metadata.name": namespace, ...labels }) &&
      matches(objectSelector, pod),
  );

const enabled = { "istio-injection": "enabled" };
const disabled = { "istio-injection": "disabled" };
const inject = (value: string) => ({ "sidecar.istio.io/inject": value });
const revision = (value: string) => ({ "istio.io/rev": value });

for (const [name, namespace, pod, want] of [
  ["nothing asks", {}, {}, false],
  ["namespace enabled", enabled, {}, true],
  ["namespace disabled", disabled, {}, false],
  ["namespace with another word", { "istio-injection": "true" }, {}, false],
  ["pod declines", enabled, inject("false"), false],
  ["pod asks in a plain namespace", {}, inject("true"), true],
  ["pod asks in a disabled namespace", disabled, inject("true"), false],
  ["namespace of our revision", revision("prod"), {}, true],
  ["namespace of the default revision", revision("default"), {}, true],
  ["namespace of another revision", revision("canary"), {}, false],
  ["pod asks in a namespace of another revision", revision("canary"), inject("true"), false],
  ["istio-injection before istio.io/rev", { ...enabled, ...revision("canary") }, {}, true],
  ["disabled namespace of our revision", { ...disabled, ...revision("prod") }, {}, false],
  ["pod of our revision", {}, revision("prod"), true],
  ["pod of our revision in a disabled namespace", disabled, revision("prod"), false],
  ["pod of another revision", {}, { ...revision("x"), ...inject("true") }, false],
  ["namespace's revision before the pod's", revision("prod"), revision("canary"), true],
  ["pod of our revision declines", {}, { ...revision("prod"), ...inject("false") }, false],
] as const)
  test(`the API server asks about a pod, or not: ${name}`, () => {
    assert.equal(isChosen("shop", namespace, pod), want);
  });

for (const namespace of ["kube-system", "meshwright-operator", "mesh-system"])
  test(`the API server never asks about pods of ${namespace}`, () => {
    assert.equal(isChosen(namespace, { ...enabled, ...revision("prod") }, inject("true")), false);
  });
