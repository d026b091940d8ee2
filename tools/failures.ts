/** Where a person sees the message. */
interface Failure {
  readonly seen: string;
  readonly title: string;
  /** What it means and what to do about it, for `docs/errors.md`. */
  readonly explanation: string;
}

const MESH = "In the condition `Stalled` of the MeshConfig";
const LOGS = "In logs";

/** Codes of what fails as a whole, and is no fault in a field of one object. */
export const FAILURES: Readonly<Record<`MESH${number}`, Failure>> = {
  MESH0401: {
    seen: `${MESH}, and in the control plane's log`,
    title: "The mesh's CA has expired",
    explanation:
      "The certificate that signs, its root or one between them is past its end. Put a CA that is still valid into the Secret that the message names; keep the old root in root-cert.pem until every workload has a new certificate.",
  },
  MESH0402: {
    seen: `${MESH}, and in the control plane's log`,
    title: "The mesh's CA cannot be used",
    explanation:
      "The Secret that the message names lacks a part, holds what is no certificate or key, or its parts do not belong together. A control plane that runs goes on with what it has. Mend the Secret, or delete it: the operator restores the CA that it has itself.",
  },
  MESH0403: {
    seen: MESH,
    title: "The mesh's root is gone",
    explanation:
      "The MeshConfig's status tells of a root, and neither Secret `meshwright-ca` in the operator's namespace nor `cacerts` in the control plane's is there. No other is made, as running workloads trust that one alone. Restore either Secret from a backup. Without one, delete the MeshConfig, create it anew and restart every workload, which then gets certificates of a new root.",
  },
  MESH0501: {
    seen: `${LOGS} of the control plane and of the proxy that connects`,
    title: "A client of the control plane is not known",
    explanation:
      "It sent no token of a pod's service account with audience `istio-ca`, one that the API server does not take, or one of a pod that is gone. Proxies try again by themselves.",
  },
  MESH0502: {
    seen: `${LOGS} of the control plane`,
    title: "The control plane's configuration cannot be read",
    explanation:
      "The operator writes it as ConfigMap `meshwright-control-plane`; a control plane that was started by hand needs --config.",
  },
  MESH0601: {
    seen: "Where the pod is refused: in the events of its ReplicaSet or Job, or at `kubectl apply`",
    title: "A pod asks for a sidecar that there cannot be",
    explanation:
      "An annotation has a value that cannot be followed, or the pod has no container but the proxy's. Correct the pod's template as the message says; gateways are listed in `spec.gateways` of the MeshConfig.",
  },
  MESH0602: {
    seen: "Where an object is refused",
    title: "The webhook is asked about something else than pods",
    explanation:
      "Somebody changed the MutatingWebhookConfiguration. The operator restores it, or delete it and it is made anew.",
  },
  MESH0701: {
    seen: LOGS,
    title: "The API server cannot be reached",
    explanation: "The request is tried again, and traffic goes on meanwhile.",
  },
  MESH0702: {
    seen: `${LOGS}, and from the command line`,
    title: "The API server does not take the credentials",
    explanation: "Check the kubeconfig, or the pod's service-account token.",
  },
  MESH0703: {
    seen: `${MESH} (\`PermissionDenied\`), in logs and from the command line`,
    title: "The API server forbids it",
    explanation:
      "Grant the permission that the message names to the account that it names; the operator's own are in its manifest.",
  },
  MESH0704: {
    seen: LOGS,
    title: "Somebody else changed the object",
    explanation: "It is read again, and the request is tried again.",
  },
  MESH0705: {
    seen: LOGS,
    title: "The API server is busy or fails",
    explanation: "The request is tried again.",
  },
  MESH0706: {
    seen: `${MESH}, in logs and from the command line`,
    title: "The API server does not take the object",
    explanation:
      "It does not fit the cluster's API, its namespace is not there, or a policy of the cluster refuses it: the message has the API server's words.",
  },
  MESH0801: {
    seen: `${LOGS} of the operator`,
    title: "The image has no definitions of the Istio API",
    explanation: "Run `make setup` before the image is built, or use an image of a release.",
  },
  MESH0802: {
    seen: `${LOGS} of the operator`,
    title: "The operator is not told which images to install",
    explanation: "Apply its manifest as it is: the Deployment there sets the variable.",
  },
  MESH0901: {
    seen: "From the command line",
    title: "No control plane runs",
    explanation: "See why with `kubectl describe meshconfig`.",
  },
  MESH0902: {
    seen: "From the command line",
    title: "There is no such object",
    explanation: "Name it as kind/name, and its namespace with --namespace.",
  },
  MESH0903: {
    seen: "From the command line",
    title: "The mesh does not read objects of this kind",
    explanation:
      "The API server takes them and they change nothing: docs/api-support.md has which kinds these are.",
  },
};
