import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerEndpointSlice, lowerPod, lowerService } from "../kube.ts";
import { endpointsOf, podEndpoint } from "./endpoints.ts";

const AROUND = { trustDomain: "cluster.local", pod: () => undefined, locality: () => undefined };

/** Ports of a Service, `name:port:targetPort`, and of its slice, `name:port`. */
function portsOf(
  servicePorts: readonly string[],
  slicePorts: readonly string[],
  owner?: string,
): string[] {
  const { value: service } = lowerService(
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s", namespace: "n", uid: "current" },
      spec: {
        selector: { app: "s" },
        ports: servicePorts.map((one) => {
          const [name = "", port, target] = one.split(":");
          return { name, port: Number(port), targetPort: Number(target) };
        }),
      },
    },
    "cluster.local",
  );
  const slice = lowerEndpointSlice({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "s-1",
      namespace: "n",
      labels: { "kubernetes.io/service-name": "s" },
      ...(owner && {
        ownerReferences: [{ apiVersion: "v1", kind: "Service", name: "s", uid: owner }],
      }),
    },
    addressType: "IPv4",
    ports: slicePorts.map((one) => {
      const [name = "", port] = one.split(":");
      return { name, port: Number(port) };
    }),
    endpoints: [{ addresses: ["10.0.0.1"] }],
  });
  const found = endpointsOf(service, { slices: slice ? [slice] : [], entries: [] }, AROUND);
  return found.map(({ portName, port }) => `${portName}:${port}`);
}

for (const { title, service, slice, want } of [
  {
    title: "ports belong together by name",
    service: ["http:80:8080", "grpc:90:9090"],
    slice: ["http:8080", "grpc:9090"],
    want: ["grpc:9090", "http:8080"],
  },
  {
    title: "a renamed port keeps its endpoints until its slice is written anew",
    service: ["web:80:8080", "grpc:90:9090"],
    slice: ["http:8080", "grpc:9090"],
    want: ["grpc:9090", "web:8080"],
  },
  {
    title: "a port that leads elsewhere under another name has none yet",
    service: ["web:80:8081"],
    slice: ["http:8080"],
    want: [],
  },
  {
    title: "a second port for the same target takes nothing from the first",
    service: ["http:80:8080", "web:81:8080"],
    slice: ["http:8080"],
    want: ["http:8080"],
  },
]) {
  test(title, () => assert.deepEqual(portsOf(service, slice), want));
}

test("a slice of an earlier Service of the same name counts no more", () => {
  const of = (owner?: string) => portsOf(["http:80:8080"], ["http:8080"], owner);
  assert.deepEqual([of("current"), of(), of("earlier")], [["http:8080"], ["http:8080"], []]);
});

test("a pod that is selected without a Service says which node it runs on", () => {
  const pod = lowerPod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "n" },
    spec: { nodeName: "node-1", containers: [] },
    status: { podIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
  });
  assert.ok(pod);
  assert.equal(podEndpoint(pod, { port: 80, portName: "http" }, AROUND)?.node, "node-1");
});
