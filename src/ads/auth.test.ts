import assert from "node:assert/strict";
import { test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { TOKEN_AUDIENCE } from "../api/names.ts";
import { silent } from "../util/log.ts";
import { Authenticator } from "./auth.ts";
import { PodIndex } from "./pods.ts";

const ISSUER = "https://kubernetes.default.svc";

/** Presents tokens whose life begins and ends so many seconds from now. */
async function scene(): Promise<(from: number, until: number) => Promise<string>> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256" }] };
  const pods = new PodIndex();
  pods.replace([
    {
      metadata: { namespace: "shop", name: "web-1", uid: "uid-1" },
      spec: { serviceAccountName: "web" },
    },
  ]);
  const authenticator = new Authenticator({
    issuer: {
      discover: () => Promise.resolve({ issuer: ISSUER, keys }),
      review: () => assert.fail("the token can be judged here"),
    },
    pods,
    trustDomain: "cluster.local",
    log: silent,
  });
  return async (from, until) => {
    const now = Math.floor(Date.now() / 1000);
    const token = await new SignJWT({
      "kubernetes.io": {
        namespace: "shop",
        serviceaccount: { name: "web" },
        pod: { name: "web-1", uid: "uid-1" },
      },
    })
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setIssuer(ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setIssuedAt(now + from)
      .setNotBefore(now + from)
      .setExpirationTime(now + until)
      .sign(privateKey);
    return (await authenticator.authenticate([`Bearer ${token}`])).key;
  };
}

test("clocks may differ by a minute, as they may for the API server", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.UTC(2026, 0, 1) });
  const present = await scene();
  assert.equal(await present(30, 3_600), "shop/web-1");
  await assert.rejects(present(90, 3_600), /"nbf"/);
  assert.equal(await present(-3_600, -30), "shop/web-1");
  await assert.rejects(present(-3_600, -90), /"exp"/);
});
