import assert from "node:assert/strict";
import { test } from "node:test";
import { assign, type Service } from "./load-balancer-assign.ts";

const range = { v4: "172.30.3.0/24", v6: "fd6d:7700:0:3::/64" };

const service = (name: string, ips: readonly string[] = [], type = "LoadBalancer"): Service => ({
  metadata: { namespace: "shop", name, uid: name },
  spec: { type, ipFamilies: ["IPv4"] },
  status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
});

test("a Service gets the lowest address that no other has", () => {
  const taken = [service("a", ["172.30.3.16"]), service("b", ["172.30.3.18"])];
  const fresh = service("c");
  assert.deepEqual(assign(fresh, [...taken, fresh], range), [{ ip: "172.30.3.17" }]);
});

test("a Service of both families gets an address of each", () => {
  const both: Service = {
    ...service("a"),
    spec: { type: "LoadBalancer", ipFamilies: ["IPv4", "IPv6"] },
  };
  const want = [{ ip: "172.30.3.16" }, { ip: "fd6d:7700:0:3::10" }];
  assert.deepEqual(assign(both, [both], range), want);
});

test("a Service that has an address keeps it", () => {
  const settled = service("a", ["172.30.3.40"]);
  assert.equal(assign(settled, [settled], range), undefined);
});

test("a Service that is no LoadBalancer any more loses its address", () => {
  const changed = service("a", ["172.30.3.40"], "ClusterIP");
  assert.deepEqual(assign(changed, [changed], range), []);
  const plain = service("b", [], "ClusterIP");
  assert.equal(assign(plain, [plain], range), undefined);
});

test("an exhausted range is an error that names it", () => {
  const full = Array.from({ length: 239 }, (_, i) => service(`s${i}`, [`172.30.3.${16 + i}`]));
  assert.throws(() => assign(service("late"), full, range), /172\.30\.3\.0\/24/);
});
