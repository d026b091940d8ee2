import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, modelOf, remove } from "../testing/fixtures.ts";
import type { HttpRule } from "./ir/route.ts";

const root = (match: string): string => `
kind: VirtualService
metadata: {name: root, namespace: one}
spec:
  hosts: [web]
  http:
    - {name: first, match: [{uri: {exact: /first}}], route: [{destination: {host: web}}]}
    - {name: left, match: [${match}], delegate: {name: other, namespace: two}, timeout: 2s}
    - {name: last, route: [{destination: {host: web}}]}
`;
const other = (match: string, exportTo = '"*"'): string => `
kind: VirtualService
metadata: {name: other, namespace: two}
spec:
  exportTo: [${exportTo}]
  http: [{name: own, match: [${match}], route: [{destination: {host: own}}]}]
`;

function rules(yaml: string): readonly HttpRule[] {
  const model = modelOf(yaml);
  const mesh = model.mesh(model.engine);
  return mesh.routesFor("web.one.svc.cluster.local", "one")[0]?.rules ?? [];
}

const both = (rootMatch: string, otherMatch: string): readonly HttpRule[] =>
  rules(`${root(rootMatch)}---${other(otherMatch)}`);

test("the delegate's rules stand where the root has left them, with what they inherit", () => {
  const all = both("{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}");
  assert.deepEqual(
    all.map(({ name }) => name),
    ["first", "left-own", "last"],
  );
  assert.equal(all[1]?.timeoutMs, 2000);
  assert.deepEqual(all[1]?.action, {
    kind: "forward",
    destinations: [{ host: "own.two.svc.cluster.local", weight: 1 }],
  });
});

for (const { what, rootMatch, otherMatch } of [
  { what: "another path", rootMatch: "{uri: {prefix: /a}}", otherMatch: "{uri: {prefix: /b}}" },
  { what: "a wider path", rootMatch: "{uri: {prefix: /a/b}}", otherMatch: "{uri: {prefix: /a}}" },
  { what: "another port", rootMatch: "{port: 80}", otherMatch: "{port: 81}" },
  {
    what: "another header",
    rootMatch: "{headers: {x: {exact: a}}}",
    otherMatch: "{headers: {x: {exact: b}}}",
  },
])
  test(`a rule that wants ${what} can never match, and is left out`, () => {
    assert.deepEqual(
      both(rootMatch, otherMatch).map(({ name }) => name),
      ["first", "last"],
    );
  });

test("conditions of both hold together", () => {
  const [, rule] = both(
    "{headers: {x: {exact: a}}, port: 80}",
    "{uri: {exact: /p}, method: {exact: GET}}",
  );
  assert.deepEqual(rule?.matches, [
    {
      path: { kind: "exact", path: "/p" },
      headers: [
        { name: "x", match: { kind: "exact", value: "a" } },
        { name: ":method", match: { kind: "exact", value: "GET" } },
      ],
      query: [],
      port: 80,
    },
  ]);
});

test("what is left to nobody, or to one that may not be seen, answers 503", () => {
  const respond = { kind: "respond", status: 503 };
  assert.deepEqual(rules(root("{port: 80}"))[1]?.action, respond);
  assert.deepEqual(rules(`${root("{port: 80}")}---${other("{}", '"."')}`)[1]?.action, respond);
});

test("a delegate that comes and goes is followed", () => {
  const model = modelOf(root("{uri: {prefix: /a}}"));
  const mesh = model.mesh(model.engine);
  const names = (): readonly string[] =>
    mesh.routesFor("web.one.svc.cluster.local", "one")[0]?.rules.map(({ name }) => name) ?? [];
  apply(model, other("{}"));
  assert.deepEqual(names(), ["first", "left-own", "last"]);
  remove(model, other("{}"));
  assert.deepEqual(names(), ["first", "left", "last"]);
});
