/** Secrets beside the workload's own: those that policies and gateways name. */
import type { Mesh } from "../model/ir/mesh.ts";
import { originSecrets } from "./cluster/origination.ts";
import { fileSecret } from "./secret-name.ts";
import type { Translator } from "./translator.ts";
import type { ProxyView } from "./view.ts";

/** Files of the proxy's own, by the policies of what it calls. */
export const fileSecrets: Translator = {
  type: "Secret",
  keys: (mesh, view) =>
    [...new Set(namesInPolicies(mesh, view))]
      .filter((name) => fileSecret(name) !== undefined)
      .sort(),
  resource(_mesh, _view, key) {
    const body = fileSecret(key);
    return body && { name: key, body, clusters: [] };
  },
};

function namesInPolicies(mesh: Mesh, { namespace }: ProxyView): readonly string[] {
  return mesh.hosts(namespace).flatMap((host) => {
    const destination = mesh.policy(host, namespace);
    if (destination === undefined) return [];
    return [destination.policy, ...destination.subsets.flatMap(({ policy }) => policy ?? [])]
      .flatMap((policy) => [policy, ...Object.values(policy.ports ?? {})])
      .flatMap(({ tlsOrigin }) => (tlsOrigin ? originSecrets(tlsOrigin) : []));
  });
}
