import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf } from "../../testing/fixtures.ts";

const HOST = "db.shop.svc.cluster.local";
const SERVICE = `{kind: Service, metadata: {name: db, namespace: shop}, spec: {ports: [{name: tcp, port: 5432}]}}`;

const entry = (name: string, namespace: string, rest = ""): string =>
  `{kind: ServiceEntry, metadata: {name: ${name}, namespace: ${namespace}}, spec: {hosts: [${HOST}], subjectAltNames: [${name}], ports: [{number: 5432, name: tcp}], ${rest}}}`;

const DECORATING = entry("a", "shop", "resolution: NONE, exportTo: [.]");

for (const { title, objects, namespace = "shop", want } of [
  { title: "a Service has those of entries", objects: [SERVICE, DECORATING], want: ["a"] },
  {
    title: "entries of one namespace have each other's",
    objects: [entry("b", "shop"), entry("a", "shop", "resolution: STATIC"), entry("b", "shop")],
    want: ["a", "b"],
  },
  {
    title: "an entry elsewhere adds nothing",
    objects: [SERVICE, entry("c", "bank")],
    want: undefined,
  },
  {
    title: "nor does one that the client cannot see",
    objects: [SERVICE, DECORATING],
    namespace: "bank",
    want: undefined,
  },
  { title: "a Service alone has none", objects: [SERVICE], want: undefined },
])
  test(`names of a host's servers: ${title}`, () => {
    const { mesh, engine } = modelOf(objects.join("\n---\n"));
    assert.deepEqual(mesh(engine).service(HOST, namespace)?.subjectAltNames, want);
  });
