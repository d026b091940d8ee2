import type { Diagnostic } from "./diagnostic.ts";

interface Code {
  readonly level: Diagnostic["level"];
  readonly title: string;
  /** What it means and what to do about it, for `docs/errors.md` and `meshwright explain`. */
  readonly explanation: string;
}

/** Every diagnostic about objects users write. Codes are stable: status, docs and alerts key on them. */
export const CODES = {
  MESH0100: {
    level: "error",
    title: "The object cannot be read",
    explanation:
      "A field holds something of another kind than the API allows, so nothing of the object is served. Apply it again with the schema's validation switched on to see which field.",
  },
  MESH0101: {
    level: "error",
    title: "A host is not a host",
    explanation:
      "Hosts are DNS names, optionally with one leading `*.`, or `*` alone. A name without dots is a service of the object's own namespace.",
  },
  MESH0102: {
    level: "error",
    title: "A regular expression is refused",
    explanation:
      "Proxies take RE2 syntax: no look-around, no back-references, and no program larger than they accept. What has the expression is left out of the configuration; the rest is served.",
  },
  MESH0103: {
    level: "error",
    title: "A rule does not say what to do",
    explanation:
      "Every HTTP rule needs exactly one of route, redirect, directResponse or delegate. A rule without one answers 503.",
  },
  MESH0104: {
    level: "warning",
    title: "A destination does not exist",
    explanation:
      "No service in the mesh has this host, or it has no such port. Requests sent there answer 503 until it does.",
  },
  MESH0105: {
    level: "warning",
    title: "A subset does not exist",
    explanation:
      "No DestinationRule for the host defines the subset. Requests sent there answer 503 until one does.",
  },
  MESH0106: {
    level: "warning",
    title: "A gateway does not exist",
    explanation:
      "The object names a Gateway that is not there, so its rules reach no proxy through it. Names without a namespace mean the object's own.",
  },
  MESH0107: {
    level: "error",
    title: "Weights make no split",
    explanation:
      "Weights are whole numbers of at least 0, and one of several destinations must have more than 0. A rule without any answers 503.",
  },
  MESH0108: {
    level: "error",
    title: "A duration is not a duration",
    explanation:
      "Durations are numbers with a unit, at least a millisecond: 500ms, 2s, 1.5s, 1m30s.",
  },
  MESH0109: {
    level: "error",
    title: "A number is out of its range",
    explanation: "The nearest value that is allowed is used, or the field is left out.",
  },
  MESH0110: {
    level: "warning",
    title: "A field has no effect",
    explanation: "The field is valid but nothing here acts on it; docs/api-support.md says why.",
  },
  MESH0111: {
    level: "warning",
    title: "A port's protocol is unknown",
    explanation:
      "Neither appProtocol nor the prefix of the port's name is a protocol we know; it is detected on the wire by what the client sends first. Where the server speaks first, both wait, for ever unless protocolDetectionTimeout is set: name such a port tcp.",
  },
  MESH0112: {
    level: "warning",
    title: "A subset is defined twice",
    explanation:
      "The first definition counts; rename the other or merge its labels into the first.",
  },
  MESH0113: {
    level: "warning",
    title: "A host has routes elsewhere already",
    explanation:
      "Another, older VirtualService has HTTP rules for the same host in sidecars, and one of them has to win: its rules are served and these are not. Merge the two objects. Rules for connections, tcp and tls, are not meant: those of all objects count, of the oldest first.",
  },
  MESH0114: {
    level: "warning",
    title: "A rule is never reached",
    explanation: "An earlier rule matches every request. Move it to the end.",
  },
  MESH0115: {
    level: "error",
    title: "A gateway's port is taken",
    explanation:
      "Two servers want one port with protocols that cannot share it; the older Gateway has it.",
  },
  MESH0116: {
    level: "error",
    title: "A gateway's server cannot be opened",
    explanation:
      "The server lacks what its protocol needs; the gateway's other servers are opened.",
  },
  MESH0117: {
    level: "error",
    title: "A policy is not one that proxies know",
    explanation: "The value is left out, and the default holds.",
  },
  MESH0118: {
    level: "warning",
    title: "A delegate does not exist",
    explanation:
      "A rule leaves its requests to a VirtualService that is not there, is not exported to the rule's namespace, or delegates in turn, which goes one level deep only. Requests of a rule without delegate answer 503.",
  },
  MESH0119: {
    level: "error",
    title: "A credential does not exist",
    explanation:
      "A Gateway's server names a Secret that is not in the namespace of the gateway's pods, so the server answers nobody; its other servers are served. Or a DestinationRule names one that is in the namespace of no gateway, so no gateway connects to the host.",
  },
  MESH0120: {
    level: "error",
    title: "A credential cannot be used",
    explanation:
      "The Secret that a Gateway's server or a DestinationRule names lacks a key, holds what is no certificate or a key that does not fit it, or has expired. Without a certificate that proxies take, and roots where the other side must show one, the server answers nobody, and no gateway connects to the rule's host.",
  },
  MESH0121: {
    level: "warning",
    title: "A Gateway selects no pod",
    explanation:
      "No pod of a gateway has all the labels of the Gateway's selector, so nobody opens its servers. The status says so once it has been so for half a minute, as pods that are replaced may be gone for a moment.",
  },
  MESH0122: {
    level: "error",
    title: "A subset's name is not a name",
    explanation:
      "Names of subsets are part of the names of clusters, so they are DNS labels: lower-case letters, digits and hyphens, at most 63. A subset with another name is left out, and requests sent to it are answered 503; the rule's others are served.",
  },
  MESH0123: {
    level: "warning",
    title: "A gateway may not see the rules",
    explanation:
      "The VirtualService names a Gateway, but its exportTo names no namespace in which pods of that gateway run, so its rules reach no proxy through it. Add the namespace of the pods, which need not be that of the Gateway, to exportTo.",
  },
  MESH0124: {
    level: "warning",
    title: "A Gateway has no such host",
    explanation:
      "The VirtualService names a Gateway, but no server of that has one of its hosts, or has it for another namespace (`team-a/shop.example.com` takes only what is in team-a). So nothing reaches its rules through it. Add the hosts to a server of the Gateway, or correct those of the VirtualService.",
  },
  MESH0131: {
    level: "error",
    title: "An address is not an address",
    explanation:
      "Addresses are IP addresses, and as the case may be subnets, DNS names or unix:///path. What is none is left out; the rest is served.",
  },
  MESH0132: {
    level: "error",
    title: "A ServiceEntry asks for what its resolution does not do",
    explanation:
      "STATIC takes the addresses of endpoints, DNS and DNS_ROUND_ROBIN look names up, DYNAMIC_DNS looks up what each request names, NONE sends connections where clients meant them to go. What fits is served.",
  },
  MESH0133: {
    level: "warning",
    title: "A host belongs to another object already",
    explanation:
      "A Kubernetes Service, or an older ServiceEntry, has the host, and proxies follow that one. Merge the objects, or export them to different namespaces.",
  },
  MESH0134: {
    level: "warning",
    title: "Connections go to another object",
    explanation:
      "Two hosts want the same connections: those to one address and port of which not both speak HTTP, or those to one port of addresses that nobody has. A Kubernetes Service comes first, then the older object, then the first by namespace and name. Give the hosts different addresses or ports.",
  },
  MESH0135: {
    level: "warning",
    title: "A host is another name for a host",
    explanation:
      "A Service of type ExternalName that names a host of the mesh is another name for it: requests to the name follow the routing and the policy of that host, and what is said of the name itself has no effect. Name the host it stands for. A VirtualService may send requests to either.",
  },
  MESH0136: {
    level: "warning",
    title: "A name stands for itself",
    explanation:
      "Services of type ExternalName name each other in a circle, so no DNS resolves any of them. Let one of them name a host.",
  },
  MESH0137: {
    level: "error",
    title: "A port is defined twice",
    explanation:
      "Two ports of a ServiceEntry have one number or one name, by which endpoints say what they serve. The first counts; give each its own.",
  },
  MESH0140: {
    level: "error",
    title: "An EnvoyFilter's patch cannot be applied",
    explanation:
      "What the patch holds is not in the API of the Envoy that runs here, or the operation makes no sense there. This patch is left out; the object's others are applied.",
  },
  MESH0141: {
    level: "warning",
    title: "An EnvoyFilter's patch is for no proxy",
    explanation:
      "It selects proxies by what none of the mesh has, such as waypoints or metadata that proxies send elsewhere. Select by labels instead.",
  },
  MESH0150: {
    level: "error",
    title: "A listener of a Sidecar is not as it says",
    explanation:
      "Two listeners want one place, or a listener names one that there cannot be. The rest of the Sidecar holds.",
  },
  MESH0151: {
    level: "warning",
    title: "A Sidecar is not used",
    explanation:
      "A workload has one Sidecar: of several that select it, or that are for all of one namespace, the oldest. Merge the others into it.",
  },
} as const satisfies Readonly<Record<`MESH${number}`, Code>>;

export type CodeName = keyof typeof CODES;

/** Collects what is wrong with one object while it is lowered. */
export class Report {
  readonly #object: string;
  readonly #diagnostics: Diagnostic[] = [];

  /** @param object as messages name it: `VirtualService shop/reviews` */
  constructor(object: string) {
    this.#object = object;
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  /** @param message what is wrong there and the remedy */
  add(code: CodeName, path: string, message: string): void {
    this.#diagnostics.push(this.#diagnostic(code, path, message));
  }

  /** Notes what keeps other faults from being found, and is no fault of the object. */
  addUntold(code: CodeName, path: string, message: string): void {
    this.#diagnostics.push({ ...this.#diagnostic(code, path, message), untold: true });
  }

  #diagnostic(code: CodeName, path: string, message: string): Diagnostic {
    const { level } = CODES[code];
    return { code, level, object: this.#object, path: clip(path), message: clip(message) };
  }
}

const MAX_TEXT = 500;

/** Messages go into status and logs; what they quote may be as long as an object may be. */
function clip(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const half = MAX_TEXT / 2;
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}
