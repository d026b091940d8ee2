import assert from "node:assert/strict";
import { test } from "node:test";
import { isIp, isSubnet, isUnspecified } from "./ip.ts";

test("addresses of both families, and nothing else, are addresses", () => {
  const yes = ["0.0.0.0", "10.96.0.1", "255.255.255.255", "::", "2001:2::1", "::ffff:10.0.0.1"];
  const no = ["", "10.0.0", "10.0.0.256", "1.2.3.4.5", "example.com", "g::1", "1:2", "10.0.0.1/8"];
  assert.deepEqual(yes.filter(isIp), yes);
  assert.deepEqual(no.filter(isIp), []);
});

test("a subnet is an address with a length of its family", () => {
  const yes = ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3/32", "2001:2::/48", "::/128"];
  const no = ["10.0.0.0", "10.0.0.0/33", "::/129", "example.com/8", "10.0.0.0/8/8", "10.0.0.0/"];
  assert.deepEqual(yes.filter(isSubnet), yes);
  assert.deepEqual(no.filter(isSubnet), []);
});

test("the unspecified address of either family is told from others", () => {
  const yes = ["0.0.0.0", "::", "0::0", "0:0:0:0:0:0:0:0", "::0.0.0.0"];
  const no = ["", "0.0.0.1", "::1", "::ffff:0.0.0.0", "0.0.0.0/0", "::/0", "example.com"];
  assert.deepEqual(yes.filter(isUnspecified), yes);
  assert.deepEqual(no.filter(isUnspecified), []);
});
