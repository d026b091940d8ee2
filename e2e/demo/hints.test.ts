import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ending, hints } from "./hints.ts";

const ending: Ending = {
  kubectl: "kubectl",
  ingress: { host: "192.0.2.7", port: 80 },
  given: { CLUSTER: "local", NAME: "meshwright" },
  namespace: "bookinfo",
  routes: "routes.yaml",
};

const commands = (changed: Partial<Ending> = {}): readonly string[] =>
  hints({ ...ending, ...changed }).map(([command]) => command);

test("what removes the demo names the cluster that it was made on", () => {
  assert.equal(commands().at(-1), "make demo-down");
  const given = { CLUSTER: "current", NAME: "other" };
  assert.equal(commands({ given }).at(-1), "make demo-down CLUSTER=current NAME=other");
});

test("an IPv6 address is written as a shell and a URL want it", () => {
  assert.match(
    commands({ ingress: { host: "fd00::7", port: 80 } })[0] ?? "",
    /^curl -s 'http:\/\/\[fd00::7\]:80\/productpage' /,
  );
});

test("a way that ends with the demo is not told, but how to open another", () => {
  assert.match(commands()[0] ?? "", /^curl -s http:\/\/192\.0\.2\.7:80\/productpage /);
  const [forward = "", curl = ""] = commands({
    ingress: { host: "127.0.0.1", port: 41_234, forwarded: true },
  });
  assert.match(
    forward,
    /^kubectl port-forward -n mesh-system service\/istio-ingressgateway 8080:80/,
  );
  assert.match(curl, /http:\/\/localhost:8080\/productpage/);
});
