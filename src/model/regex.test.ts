import assert from "node:assert/strict";
import { test } from "node:test";
import { regexFault } from "./regex.ts";

for (const pattern of [
  "",
  "a+",
  "^/api/v[0-9]+/.*$",
  "(?i)get|head",
  "\\p{Greek}+",
  "(x+x+)+y",
  "[a-z]{1,253}",
])
  test(`proxies take "${pattern}"`, () => assert.equal(regexFault(pattern), undefined));

for (const { pattern, fault } of [
  { pattern: "(", fault: /missing closing \)/ },
  { pattern: "(?=a)", fault: /Perl syntax/ },
  { pattern: "(a)\\1", fault: /escape/ },
  { pattern: "((a{100}){100}){100}", fault: /repeat count/ },
  { pattern: "[a-z]{0,1000}".repeat(100), fault: /too often/ },
  { pattern: "a".repeat(20_000), fault: /20000 characters/ },
  { pattern: "[a-z]{1000}".repeat(20), fault: /needs \d+ steps/ },
])
  test(`proxies refuse "${pattern.slice(0, 20)}"`, () => {
    assert.match(regexFault(pattern) ?? "", fault);
  });
