import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addresses,
  allPods,
  isFree,
  nameservers,
  overlaps,
  slotOrder,
  slots,
} from "./addresses.ts";

const slot = fc.integer({ min: 0, max: slots - 1 });

test("no two clusters share an address", () => {
  fc.assert(
    fc.property(slot, slot, (one, other) => {
      fc.pre(one !== other);
      const [a, b] = [addresses(one), addresses(other)];
      const ranges = ({ podRange, serviceRange, loadBalancerRange }: typeof a): string[] => [
        podRange.v4,
        serviceRange.v4,
        loadBalancerRange.v4,
      ];
      assert.ok(ranges(a).every((range) => !ranges(b).some((taken) => overlaps(range, taken))));
      assert.notEqual(a.node.v6, b.node.v6);
      assert.notEqual(a.podRange.v6, b.podRange.v6);
    }),
  );
});

test("a cluster's own ranges are apart", () => {
  fc.assert(
    fc.property(slot, (number) => {
      const { podRange, serviceRange, loadBalancerRange, node, host } = addresses(number);
      assert.ok(!overlaps(podRange.v4, serviceRange.v4));
      assert.ok(overlaps(loadBalancerRange.v4, node.v4) && overlaps(loadBalancerRange.v4, host.v4));
      assert.ok(overlaps(podRange.v4, allPods.v4));
      assert.ok(!overlaps(serviceRange.v4, allPods.v4));
    }),
  );
});

test("an interface name fits into the kernel's fifteen characters", () => {
  const { hostInterface, peerInterface } = addresses(slots - 1);
  assert.ok(hostInterface.length <= 15);
  assert.ok(peerInterface(slots - 1).length <= 15);
});

test("every slot is tried once, in an order that stays", () => {
  fc.assert(
    fc.property(fc.string(), (identity) => {
      const order = slotOrder(identity);
      assert.equal(new Set(order).size, slots);
      assert.deepEqual(slotOrder(identity), order);
    }),
  );
});

for (const { one, other, want } of [
  { one: "10.0.0.0/8", other: "10.131.0.0/16", want: true },
  { one: "10.131.0.0/16", other: "10.0.0.0/8", want: true },
  { one: "172.30.4.1", other: "172.30.4.0/24", want: true },
  { one: "172.30.5.0/24", other: "172.30.4.0/24", want: false },
  { one: "192.0.2.0/24", other: "10.0.0.0/8", want: false },
  { one: "0.0.0.0/0", other: "10.0.0.0/8", want: true },
]) {
  test(`${one} and ${other} ${want ? "overlap" : "are apart"}`, () => {
    assert.equal(overlaps(one, other), want);
  });
}

test("a slot is not free where the machine routes one of its ranges elsewhere", () => {
  assert.ok(isFree(3, ["192.168.0.0/16", "10.0.0.0/9"]));
  assert.ok(!isFree(3, ["10.131.7.0/24"]));
  assert.ok(!isFree(3, ["172.16.0.0/12"]));
});

test("a slot is not free where it would hide the machine's name server", () => {
  const resolver = "search example\nnameserver 10.255.255.53\nnameserver fd00::53\n";
  assert.deepEqual(nameservers(resolver), ["10.255.255.53"]);
  assert.ok(!isFree(63, nameservers(resolver)));
  assert.ok(isFree(62, nameservers(resolver)));
});

test("a slot that does not exist has no addresses", () => {
  assert.throws(() => addresses(slots), RangeError);
});
