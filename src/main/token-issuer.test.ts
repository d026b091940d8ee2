import assert from "node:assert/strict";
import { test } from "node:test";
import { userOf } from "./token-issuer.ts";

const EXTRA = {
  "authentication.kubernetes.io/pod-name": ["web-1"],
  "authentication.kubernetes.io/pod-uid": ["uid-1"],
};
const good = {
  authenticated: true,
  audiences: ["istio-ca"],
  user: { username: "system:serviceaccount:shop:web", extra: EXTRA },
};

for (const { name, status, want } of [
  {
    name: "a pod's token",
    status: good,
    want: { namespace: "shop", serviceAccount: "web", pod: { name: "web-1", uid: "uid-1" } },
  },
  {
    name: "a token bound to no pod",
    status: { ...good, user: { username: good.user.username } },
    want: { namespace: "shop", serviceAccount: "web", pod: undefined },
  },
  { name: "a refusal", status: { authenticated: false }, want: undefined },
  { name: "another audience", status: { ...good, audiences: ["api"] }, want: undefined },
  {
    name: "a person",
    status: { ...good, user: { username: "jane" } },
    want: undefined,
  },
]) {
  test(`a TokenReview of ${name}`, () => assert.deepEqual(userOf(status, "istio-ca"), want));
}
