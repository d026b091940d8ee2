import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { TOKEN_AUDIENCE } from "../api/names.ts";
import { silent } from "../util/log.ts";
import { Authenticator } from "./auth.ts";
import { PodIndex } from "./pods.ts";

const ISSUER = "https://kubernetes.default.svc";
const NEW_ISSUER = "https://oidc.example.com";

interface Claims {
  readonly issuer?: string;
  readonly audience?: string;
  /** When its life begins and ends, in seconds from now. */
  readonly from?: number;
  readonly until?: number;
}

interface Scene {
  /** What the cluster names as its issuer. */
  issuer: string;
  discoveries: number;
  reviews: number;
  /** Whether the API server takes tokens that it is asked about. */
  isTaken: boolean;
  readonly authenticator: Authenticator;
  /** @returns the pod that the token is for */
  present(claims: Claims): Promise<string>;
}

async function scene(): Promise<Scene> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256" }] };
  const pods = new PodIndex();
  pods.replace([
    {
      metadata: { namespace: "shop", name: "web-1", uid: "uid-1" },
      spec: { serviceAccountName: "web" },
    },
  ]);
  const user = { namespace: "shop", serviceAccount: "web", pod: { name: "web-1", uid: "uid-1" } };
  const authenticator = new Authenticator({
    issuer: {
      async discover() {
        at.discoveries += 1;
        return { issuer: at.issuer, keys };
      },
      async review() {
        at.reviews += 1;
        return at.isTaken ? user : undefined;
      },
    },
    pods,
    trustDomain: "cluster.local",
    log: silent,
  });
  const at: Scene = {
    issuer: ISSUER,
    discoveries: 0,
    reviews: 0,
    isTaken: false,
    authenticator,
    async present({ issuer = ISSUER, audience = TOKEN_AUDIENCE, from = 0, until = 3_600 }) {
      const now = Math.floor(Date.now() / 1000);
      const { namespace, serviceAccount: name, pod } = user;
      const token = await new SignJWT({
        "kubernetes.io": { namespace, serviceaccount: { name }, pod },
      })
        .setProtectedHeader({ alg: "ES256", kid: "k1" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(now + from)
        .setNotBefore(now + from)
        .setExpirationTime(now + until)
        .sign(privateKey);
      return (await authenticator.authenticate([`Bearer ${token}`])).key;
    },
  };
  return at;
}

test("clocks may differ by a minute, as they may for the API server", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.UTC(2026, 0, 1) });
  const at = await scene();
  assert.equal(await at.present({ from: 30 }), "shop/web-1");
  await assert.rejects(at.present({ from: 90 }), /"nbf"/);
  assert.equal(await at.present({ from: -3_600, until: -30 }), "shop/web-1");
  await assert.rejects(at.present({ from: -3_600, until: -90 }), /"exp"/);
  assert.equal(at.reviews, 0, "the tokens can be judged here");
});

/** Lets so much time pass as has to between two looks at the cluster's issuer. */
function passTenSeconds(t: TestContext): void {
  const now = performance.now() + 10_000;
  t.mock.method(performance, "now", () => now);
}

test("the cluster's issuer may change, and tokens of both are taken without a restart", async (t) => {
  const at = await scene();
  await at.authenticator.warmUp();
  at.issuer = NEW_ISSUER;
  passTenSeconds(t);
  assert.equal(await at.present({ issuer: NEW_ISSUER }), "shop/web-1");
  assert.deepEqual([at.discoveries, at.reviews], [2, 0]);
  at.isTaken = true;
  assert.equal(await at.present({ issuer: ISSUER }), "shop/web-1");
  assert.deepEqual([at.discoveries, at.reviews], [2, 1], "the API server takes those before, too");
});

test("an issuer that the cluster does not name is for the API server to judge", async () => {
  const at = await scene();
  await at.authenticator.warmUp();
  await assert.rejects(at.present({ issuer: NEW_ISSUER }), /refused the token: .*"iss"/);
  at.isTaken = true;
  assert.equal(await at.present({ issuer: NEW_ISSUER }), "shop/web-1");
  assert.deepEqual([at.discoveries, at.reviews], [1, 2]);
});

test("nobody is asked about a token that is bad whoever made it", async (t) => {
  const at = await scene();
  await at.authenticator.warmUp();
  passTenSeconds(t);
  await assert.rejects(at.present({ issuer: NEW_ISSUER, audience: "api" }), /"aud"/);
  await assert.rejects(at.present({ issuer: NEW_ISSUER, from: -3_600, until: -90 }), /"exp"/);
  assert.deepEqual([at.discoveries, at.reviews], [1, 0]);
});
