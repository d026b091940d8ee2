import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { ApiError } from "../kube/error.ts";
import { AdsClient } from "../testing/ads.ts";
import { HandMadeScopes } from "../testing/scopes.ts";
import { MeshError } from "../util/errors.ts";
import { silent } from "../util/log.ts";
import { UNAUTHENTICATED } from "./auth.ts";
import { refusedCalls } from "./metrics.ts";
import { PodIndex } from "./pods.ts";
import { AdsServer } from "./server.ts";

const SECRETS = {
  issue: () => Promise.reject(new Error("nobody asks for one")),
  trustBundle: () => ({ pem: "", version: "1" }),
  onRootChange: () => () => {},
};

const counted = async (): Promise<number> => (await refusedCalls.get()).values[0]?.value ?? 0;

test("refusals of tokens are counted, and not that nobody could judge one", async (t) => {
  let error: Error = new MeshError(UNAUTHENTICATED, "no token", { hint: "send one" });
  const server = new AdsServer({
    scopes: new HandMadeScopes(),
    secrets: SECRETS,
    pods: new PodIndex(),
    trustDomain: "cluster.local",
    authenticator: { authenticate: () => Promise.reject(error) },
    log: silent,
  });
  const port = await server.listenPlain(0);
  t.after(() => server.drain(0));
  const refusal = async (): Promise<number> => {
    const client = new AdsClient({ port });
    const { code } = await client.ended;
    client.close();
    return code;
  };
  const before = await counted();
  assert.equal(await refusal(), status.UNAUTHENTICATED);
  assert.equal(await counted(), before + 1);
  error = new ApiError("review a token", { status: 503, reason: "", message: "away" });
  assert.equal(await refusal(), status.UNAVAILABLE);
  assert.equal(await counted(), before + 1);
});
