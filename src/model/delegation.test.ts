import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, modelOf, remove } from "../testing/fixtures.ts";
import type { HttpRule } from "./ir/route.ts";

const root = (match: string, more = "timeout: 2s"): string => `
kind: VirtualService
metadata: {name: root, namespace: one}
spec:
  hosts: [web]
  http:
    - {name: first, match: [{uri: {exact: /first}}], route: [{destination: {host: web}}]}
    - {name: left, match: [${match}], delegate: {name: other, namespace: two}, ${more}}
    - {name: last, route: [{destination: {host: web}}]}
`;
const other = (match: string, exportTo = '"*"', more = ""): string => `
kind: VirtualService
metadata: {name: other, namespace: two}
spec:
  exportTo: [${exportTo}]
  http: [{name: own, match: [${match}], route: [{destination: {host: own}}]${more && `, ${more}`}}]
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
  {
    what: "a wider header",
    rootMatch: "{headers: {x: {exact: v1}}}",
    otherMatch: "{headers: {x: {prefix: v}}}",
  },
  {
    what: "other clients",
    rootMatch: "{sourceLabels: {app: a}}",
    otherMatch: "{sourceLabels: {app: b}}",
  },
  {
    what: "another gateway",
    rootMatch: "{gateways: [mesh]}",
    otherMatch: "{gateways: [mesh, two/gw]}",
  },
  {
    what: "a path in any case",
    rootMatch: "{uri: {prefix: /a}}",
    otherMatch: "{uri: {prefix: /a/b}, ignoreUriCase: true}",
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

for (const { what, rootMatch, otherMatch, want } of [
  {
    what: "a value with the prefix",
    rootMatch: "{headers: {x: {prefix: v}}}",
    otherMatch: "{headers: {x: {exact: v1}}}",
    want: { headers: [{ name: "x", match: { kind: "exact", value: "v1" } }] },
  },
  {
    what: "a value of what need only be there",
    rootMatch: "{headers: {x: {}}}",
    otherMatch: "{headers: {x: {regex: v+}}}",
    want: { headers: [{ name: "x", match: { kind: "regex", value: "v+" } }] },
  },
  {
    what: "a longer prefix of a parameter",
    rootMatch: "{queryParams: {q: {prefix: v}}}",
    otherMatch: "{queryParams: {q: {prefix: v1}}}",
    want: { query: [{ name: "q", match: { kind: "prefix", value: "v1" } }] },
  },
  {
    what: "no value that is left out",
    rootMatch: "{headers: {x: {prefix: v}}, withoutHeaders: {x: {prefix: v2}}}",
    otherMatch: "{withoutHeaders: {x: {exact: v1}}}",
    want: {
      headers: [
        { name: "x", match: { kind: "prefix", value: "v" } },
        { name: "x", match: { kind: "prefix", value: "v2" }, invert: true },
        { name: "x", match: { kind: "exact", value: "v1" }, invert: true },
      ],
    },
  },
  {
    what: "more labels, and fewer gateways",
    rootMatch: "{sourceLabels: {app: a}, gateways: [mesh, two/gw]}",
    otherMatch: "{sourceLabels: {app: a, tier: b}, gateways: [mesh]}",
    want: { sourceLabels: { app: "a", tier: "b" }, gateways: ["mesh"] },
  },
])
  test(`a rule may narrow what it is left: ${what}`, () => {
    const [, rule] = both(rootMatch, otherMatch);
    const everything = { path: { kind: "prefix", path: "/" }, headers: [], query: [] };
    assert.deepEqual(rule?.matches, [{ ...everything, ...want }]);
  });

for (const { what, rootSays, ownSays, want } of [
  { what: "the root's", rootSays: "{uri: /x}", ownSays: undefined, want: { prefix: "/x" } },
  { what: "its own", rootSays: "{uri: /x}", ownSays: "{authority: y}", want: { authority: "y" } },
])
  test(`requests of a rule that is left to it are rewritten: ${what}`, () => {
    const own = other("{}", '"*"', ownSays && `rewrite: ${ownSays}`);
    const action = rules(`${root("{}", `rewrite: ${rootSays}`)}---${own}`)[1]?.action;
    assert.deepEqual(action?.kind === "forward" && action.rewrite, want);
  });

test("a header that the root sets to the host is a rewrite", () => {
  const headers = "headers: {request: {set: {Host: z}}}";
  const action = rules(`${root("{}", headers)}---${other("{}")}`)[1]?.action;
  assert.deepEqual(action?.kind === "forward" && action.rewrite, { authority: "z" });
});

test("requests that cannot be rewritten as the root says are not sent", () => {
  const broken = 'rewrite: {uriRegexRewrite: {match: "(", rewrite: x}}';
  const actions = (own: string): HttpRule["action"] | undefined =>
    rules(`${root("{}", broken)}---${other("{}", '"*"', own)}`)[1]?.action;
  assert.deepEqual(actions("timeout: 1s"), { kind: "respond", status: 500 });
  assert.equal(actions("rewrite: {uri: /y}")?.kind, "forward");
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
