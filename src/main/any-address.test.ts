import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import { anyAddress } from "./any-address.ts";

const common = { mac: "00:00:00:00:00:00", internal: false };
const IPV4: NetworkInterfaceInfo = {
  ...common,
  family: "IPv4",
  address: "10.1.0.2",
  netmask: "255.255.255.0",
  cidr: "10.1.0.2/24",
};
const IPV6: NetworkInterfaceInfo = {
  ...common,
  family: "IPv6",
  address: "fd00::2",
  netmask: "ffff:ffff:ffff:ffff::",
  cidr: "fd00::2/64",
  scopeid: 0,
};

test("servers listen for IPv6 where an interface has it, and only there", () => {
  assert.equal(anyAddress({ lo: [IPV4], eth0: [IPV4] }), "0.0.0.0");
  assert.equal(anyAddress({ lo: [IPV4], eth0: [IPV4, IPV6] }), "::");
  assert.equal(anyAddress({ lo: undefined, eth0: [IPV6] }), "::");
  assert.equal(anyAddress({}), "0.0.0.0");
});
