import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { type TestContext, test } from "node:test";
import { Monitoring, type Page } from "./monitoring.ts";

const HOST = "127.0.0.1";

/** @returns the status of a path, sent as it is written */
async function listening(
  t: TestContext,
  pages: Readonly<Record<string, Page>>,
): Promise<(path: string) => Promise<number | undefined>> {
  const monitoring = new Monitoring(pages);
  const port = await monitoring.listen(0, HOST);
  t.after(() => monitoring.close());
  return async (path) => {
    const request = get({ host: HOST, port, path });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
}

test("a path that is none is not found, and the process goes on", async (t) => {
  const statusOf = await listening(t, { "/healthz": () => ({ body: "ok\n" }) });
  for (const path of ["//", "http://", "//[", "/elsewhere", "/constructor"])
    assert.equal(await statusOf(path), 404, path);
  assert.equal(await statusOf("/healthz?verbose"), 200);
});

test("a page that fails is an error of its own", async (t) => {
  const statusOf = await listening(t, {
    "/healthz": () => ({ body: "ok\n" }),
    "/broken": () => {
      throw new Error("no");
    },
  });
  assert.equal(await statusOf("/broken"), 500);
  assert.equal(await statusOf("/healthz"), 200);
});
