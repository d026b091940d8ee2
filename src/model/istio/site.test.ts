import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "../../api/codes.ts";
import { lowerMatches } from "./http-match.ts";
import { stringMatch, type TextMatch } from "./site.ts";

const siteOf = () => ({
  report: new Report("x"),
  namespace: "one",
  clusterDomain: "cluster.local",
});

for (const { text, path } of [
  { text: { prefix: "" }, path: "at.prefix" },
  { text: { regex: "" }, path: "at.regex" },
] satisfies readonly { text: TextMatch; path: string }[])
  test(`proxies refuse ${JSON.stringify(text)}, so it is told and left out`, () => {
    const site = siteOf();
    assert.equal(stringMatch(text, "at", site), undefined);
    assert.deepEqual(
      site.report.diagnostics.map((one) => `${one.code} ${one.path}`),
      [`MESH0117 ${path}`],
    );
  });

test("an empty value can be matched exactly, and no condition is any value", () => {
  const site = siteOf();
  assert.deepEqual(stringMatch({ exact: "" }, "at", site), { kind: "exact", value: "" });
  assert.deepEqual(stringMatch({}, "at", site), { kind: "present" });
  assert.deepEqual(site.report.diagnostics, []);
});

test("a match with an empty expression is left out, and does not become wider", () => {
  const site = siteOf();
  const match = [
    { uri: { regex: "" } },
    { headers: { x: { prefix: "" } } },
    { withoutHeaders: { x: { regex: "" } } },
    { uri: { prefix: "" } },
  ];
  assert.deepEqual(
    lowerMatches({ match }, "at", site).map(({ path }) => path),
    [{ kind: "prefix", path: "" }],
  );
  assert.deepEqual(
    site.report.diagnostics.map(({ path }) => path),
    [
      "at.match[0].uri.regex",
      'at.match[1].headers["x"].prefix',
      'at.match[2].withoutHeaders["x"].regex',
    ],
  );
});
