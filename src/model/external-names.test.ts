import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, modelOf, remove } from "../testing/fixtures.ts";
import type { MeshModel } from "./dataflow.ts";

const service = (name: string, spec: object, annotations: Record<string, string> = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", annotations },
    spec: { ports: [{ name: "http", port: 80 }], ...spec },
  });
const named = (name: string, externalName: string): string =>
  service(name, { type: "ExternalName", externalName });

const host = (name: string): string => `${name}.shop.svc.cluster.local`;
const WEB = service("web", { clusterIP: "10.0.0.1" });

/** What a name means in a namespace, and whether it is a host of its own there. */
function meant(model: MeshModel, name: string, namespace = "shop"): readonly unknown[] {
  const mesh = model.mesh(model.engine);
  return [mesh.service(host(name), namespace)?.host, mesh.hosts(namespace).includes(host(name))];
}

const told = (model: MeshModel, object: string): readonly string[] =>
  model.engine.get(model.findings, object).map(({ code, path }) => `${code} ${path}`);

test("a name is a host of its own until the mesh has the host that it stands for", () => {
  const model = modelOf(
    [named("front", host("middle")), named("middle", host("web"))].join("\n---\n"),
  );
  assert.deepEqual(meant(model, "front"), [host("front"), true]);
  apply(model, WEB);
  assert.deepEqual(meant(model, "front"), [host("web"), false]);
  assert.deepEqual(meant(model, "middle"), [host("web"), false]);
  assert.deepEqual(model.mesh(model.engine).names(host("web"), "shop"), [
    host("front"),
    host("middle"),
  ]);
  remove(model, named("middle", ""));
  assert.deepEqual(meant(model, "front"), [host("front"), true], "a name of nothing");
  apply(model, named("middle", `${host("web")}.`));
  assert.deepEqual(meant(model, "front"), [host("web"), false], "with a dot at its end");
  apply(model, named("middle", "www.example.com"));
  assert.deepEqual(meant(model, "front"), [host("front"), true], "it leads out of the mesh");
  remove(model, WEB);
  assert.deepEqual(model.mesh(model.engine).names(host("web"), "shop"), []);
});

test("a name that a ServiceEntry has too is a host of its own, and what it leads to has it not", () => {
  const entry = JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: "outside", namespace: "shop" },
    spec: {
      hosts: [host("front"), "www.example.com"],
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      resolution: "DNS",
    },
  });
  const model = modelOf([named("front", "www.example.com."), entry].join("\n---\n"));
  const mesh = model.mesh(model.engine);
  assert.deepEqual(meant(model, "front"), [host("front"), true]);
  assert.deepEqual(mesh.names("www.example.com", "shop"), []);
  const domains = (of: string): readonly string[] => mesh.domains(of, "shop", 80);
  assert.ok(!domains(host("front")).includes("www.example.com."));
  assert.ok(!domains("www.example.com").includes(host("front")));
});

test("a name stands for what its reader may see", () => {
  const own = service("web", { clusterIP: "10.0.0.1" }, { "networking.istio.io/exportTo": "." });
  const model = modelOf([named("front", host("web")), own].join("\n---\n"));
  assert.deepEqual(meant(model, "front", "shop"), [host("web"), false]);
  assert.deepEqual(meant(model, "front", "desk"), [host("front"), true]);
  const mesh = model.mesh(model.engine);
  assert.equal(mesh.standpoint(host("front"), "desk"), "desk", "it looks otherwise from elsewhere");
});

test("names that lead round stand for nothing, and each of them is told", () => {
  const model = modelOf(
    [named("a", host("b")), named("b", host("c")), named("c", host("b"))].join("\n---\n"),
  );
  for (const name of ["a", "b", "c"]) {
    assert.deepEqual(meant(model, name), [host(name), true], name);
    assert.deepEqual(told(model, `Service shop/${name}`), ["MESH0136 spec.externalName"], name);
  }
  const [circle] = model.engine.get(model.findings, "Service shop/a");
  assert.match(circle?.message ?? "", /a\.shop\S* to b\.shop\S* to c\.shop\S* to b\.shop\S*, so/);
  apply(model, WEB);
  apply(model, named("c", host("web")));
  assert.deepEqual(meant(model, "a"), [host("web"), false]);
  assert.deepEqual(told(model, "Service shop/a"), []);
});

const rules = (kind: string, spec: object): string =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind,
    metadata: { name: "front", namespace: "shop" },
    spec,
  });

test("rules and policy for a name are told whose hold for it; destinations may be names", () => {
  const to = (subset: string) => [{ route: [{ destination: { host: "front", subset } }] }];
  const model = modelOf(
    [
      named("front", host("web")),
      rules("VirtualService", { hosts: ["front"], http: to("v1") }),
      rules("DestinationRule", { host: "front" }),
    ].join("\n---\n"),
  );
  const of = (kind: string) => told(model, `${kind} shop/front`);
  assert.deepEqual(of("DestinationRule"), [], "a host of its own has policy of its own");
  apply(model, WEB);
  assert.deepEqual(of("DestinationRule"), ["MESH0135 spec.host"]);
  const subset = "MESH0105 spec.http[0].route[0].destination.subset";
  assert.deepEqual(of("VirtualService"), [subset, "MESH0135 spec.hosts[0]"]);
  apply(
    model,
    rules("DestinationRule", { host: "web", subsets: [{ name: "v1", labels: { version: "v1" } }] }),
  );
  assert.deepEqual(of("VirtualService"), ["MESH0135 spec.hosts[0]"]);
  apply(model, rules("VirtualService", { hosts: ["web"], http: to("v1") }));
  assert.deepEqual([of("VirtualService"), of("DestinationRule")], [[], []]);
});

test("Sidecars import hosts, and with them their names; routing leads to hosts by their names", () => {
  const sidecar = (hosts: readonly string[]): string => rules("Sidecar", { egress: [{ hosts }] });
  const model = modelOf(
    [WEB, named("front", host("web")), named("out", "www.example.com"), sidecar(["./*"])].join(
      "\n---\n",
    ),
  );
  const mesh = model.mesh(model.engine);
  const hosts = () => mesh.hosts("shop shop/front");
  assert.deepEqual(hosts(), [host("out"), host("web")]);
  assert.ok(mesh.domains(host("web"), "shop", 80).includes(host("front")));
  apply(model, sidecar(["./*.shop.svc.cluster.local"]));
  assert.deepEqual(hosts(), [host("out"), host("web")]);
  apply(model, sidecar([`./${host("front")}`]));
  assert.deepEqual(hosts(), []);
  apply(model, sidecar(["*/www.example.com"]));
  apply(
    model,
    rules("VirtualService", {
      hosts: ["www.example.com"],
      http: [{ route: [{ destination: { host: "front" } }] }],
    }),
  );
  assert.deepEqual(hosts(), [host("web")]);
});
