/**
 * The mesh's root, in two places: the master in the operator's namespace, which outlives the mesh,
 * and `cacerts` beside the control plane. Either restores the other. A root is made only where none
 * has ever been: proxies that run would trust nothing else.
 */
import type { Secret } from "../api/gen/kubernetes.ts";
import { KINDS, type Live } from "../api/kinds.ts";
import { MANAGED_BY, MANAGER } from "../api/labels.ts";
import { CA_SECRET, CACERTS_SECRET, OPERATOR_NAMESPACE } from "../api/names.ts";
import { objectName } from "../api/object.ts";
import { createRoot, loadIssuer } from "../ca/root.ts";
import { isOwned } from "../install/metadata.ts";
import { base64 } from "../install/render.ts";
import type { Settings } from "../install/settings.ts";
import type { Client } from "../kube/client.ts";
import { MeshError } from "../util/errors.ts";
import type { Applied } from "./applied.ts";
import type { World } from "./world.ts";

const ROOT_TTL_MS = 10 * 365 * 24 * 3_600_000;
const FILES = ["ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"] as const;

type Files = Readonly<Record<string, string>>;

export interface TrustState {
  /** What `cacerts` must hold; `undefined` if it is the user's own and stays untouched. */
  readonly data: Files | undefined;
  readonly rootsPem: string;
  readonly fingerprint: string;
  readonly notAfter: Date;
}

export const trustLost = (mesh: string): MeshError =>
  new MeshError(
    "MESH0403",
    `the root of mesh ${mesh} is gone: neither Secret ${OPERATOR_NAMESPACE}/${CA_SECRET} nor the control plane's ${CACERTS_SECRET} exists`,
    {
      hint: `restore one of them from a backup; or delete the MeshConfig and create it anew, and restart every workload, which then gets certificates of a new root`,
    },
  );

interface Deps {
  readonly client: Client;
  readonly world: World;
  readonly applied: Applied;
  readonly now: () => Date;
}

export class Trust {
  readonly #deps: Deps;
  #known: { readonly versions: string; readonly state: TrustState } | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /**
   * Makes sure that there is a master, and says what is trusted.
   *
   * @param knownFingerprint of the root that the status tells of: where one was, none is made
   * @throws MeshError `MESH0403` if the root is lost, `MESH0402` if what there is cannot be used,
   *   `MESH0401` if it has expired
   */
  async ensure(
    settings: Settings,
    knownFingerprint: string | undefined,
    signal: AbortSignal,
  ): Promise<TrustState> {
    const known = this.#remembered(settings);
    if (known) return known;
    const master = await this.#read(OPERATOR_NAMESPACE, CA_SECRET, signal);
    const copy = await this.#read(settings.namespace, CACERTS_SECRET, signal);
    const isUsers = copy !== undefined && !isOwned(copy, settings.mesh);
    // One that a user made is his CA, and goes before the master.
    const found = isUsers ? copy : (master ?? copy);
    const files = found ? filesOf(found) : await this.#create(settings, knownFingerprint);
    const state = await this.#check(files, found);
    const kept = sameFiles(master, files) ? master : await this.#writeMaster(files, signal);
    // Of what was read: the watch may have told of a newer one meanwhile, which is yet to be read.
    const versions = versionsOf(kept, copy);
    this.#known = { versions, state: { ...state, data: isUsers ? undefined : files } };
    return this.#known.state;
  }

  #remembered({ namespace }: Settings): TrustState | undefined {
    const { world, now } = this.#deps;
    const versions = versionsOf(
      world.find(KINDS.secret, `${OPERATOR_NAMESPACE}/${CA_SECRET}`),
      world.find(KINDS.secret, `${namespace}/${CACERTS_SECRET}`),
    );
    if (this.#known?.versions !== versions || this.#known.state.notAfter <= now()) return undefined;
    return this.#known.state;
  }

  async #check(
    files: Files,
    secret: Live<Secret> = masterSecret(files),
  ): Promise<Omit<TrustState, "data">> {
    const source = objectName(secret);
    const { rootsPem, generation, notAfter } = await loadIssuer(files, {
      source,
      now: this.#deps.now(),
    });
    return { rootsPem, fingerprint: generation, notAfter };
  }

  async #create({ mesh, trustDomain }: Settings, known: string | undefined): Promise<Files> {
    if (known !== undefined) throw trustLost(mesh);
    return { ...(await createRoot({ trustDomain, now: this.#deps.now(), ttlMs: ROOT_TTL_MS })) };
  }

  async #writeMaster(files: Files, signal: AbortSignal): Promise<Live<Secret>> {
    const { applied, world } = this.#deps;
    const written = await applied.apply(masterSecret(files), signal);
    const { metadata, apiVersion, kind } = written;
    world.learn({ apiVersion, kind, metadata });
    return written;
  }

  #read(namespace: string, name: string, signal: AbortSignal): Promise<Live<Secret> | undefined> {
    return this.#deps.client.get(KINDS.secret, { namespace, name }, signal);
  }
}

const versionsOf = (...secrets: readonly (Live<Secret> | undefined)[]): string =>
  secrets.map((secret) => secret?.metadata.resourceVersion ?? "none").join(" ");

/** It bears no mesh's name: it stays when the mesh goes, and serves the next. */
const masterSecret = (files: Files): Live<Secret> => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name: CA_SECRET,
    namespace: OPERATOR_NAMESPACE,
    labels: { [MANAGED_BY]: MANAGER },
  },
  type: "Opaque",
  data: base64(files),
});

const filesOf = ({ data = {} }: Live<Secret>): Files =>
  Object.fromEntries(
    FILES.flatMap((name) => {
      const value = data[name];
      return value === undefined ? [] : [[name, Buffer.from(value, "base64").toString()]];
    }),
  );

function sameFiles(secret: Live<Secret> | undefined, files: Files): boolean {
  if (secret === undefined) return false;
  const known = filesOf(secret);
  return FILES.every((name) => known[name] === files[name]);
}
