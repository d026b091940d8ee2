import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { writeAtomically } from "./files.ts";
import { type Cluster, inside } from "./layout.ts";

const { subtle } = webcrypto;
const validMs = 10 * 365 * 24 * 3600 * 1000;
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const rsa = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
} as const;

interface Subject {
  readonly file: string;
  readonly name: string;
  readonly hosts?: readonly string[];
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

const validity = (): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - 60_000),
  notAfter: new Date(Date.now() + validMs),
});

const pem = (label: string, der: ArrayBuffer): string => x509.PemConverter.encode(der, label);
const keyPem = async (key: webcrypto.CryptoKey): Promise<string> =>
  pem("PRIVATE KEY", await subtle.exportKey("pkcs8", key));

const serial = (): string =>
  Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString("hex");

async function makeAuthority(name: string): Promise<Authority> {
  const keys = await subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    keys,
    name: `CN=${name}-ca`,
    serialNumber: serial(),
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

const alternativeName = (host: string): x509.JsonGeneralName => ({
  type: /^[\d.]+$|:/.test(host) ? "ip" : "dns",
  value: host,
});

async function issue(subject: Subject, authority: Authority, directory: string): Promise<void> {
  const keys = await subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const names = (subject.hosts ?? []).map(alternativeName);
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(),
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: ecdsa,
    issuer: authority.certificate.subject,
    subject: subject.name,
    serialNumber: serial(),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  await writeFile(join(directory, `${subject.file}.crt`), `${certificate.toString("pem")}\n`);
  await writeFile(join(directory, `${subject.file}.key`), await keyPem(keys.privateKey), {
    mode: 0o600,
  });
}

/** The users of the API server, one kubeconfig each. */
const users = {
  admin: "O=system:masters,CN=kubernetes-admin",
  "controller-manager": "CN=system:kube-controller-manager",
  scheduler: "CN=system:kube-scheduler",
  proxy: "CN=system:kube-proxy",
  coredns: "CN=system:coredns",
  "load-balancer": "CN=system:load-balancer",
};

function subjects({ name, node, apiService }: Cluster): Subject[] {
  const kubernetes = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  const apiHosts = [node.v4, node.v6, apiService.v4, apiService.v6, "127.0.0.1", "localhost"];
  return [
    ...Object.entries(users).map(([file, user]) => ({ file, name: user })),
    { file: "kubelet", name: `O=system:nodes,CN=system:node:${name}`, hosts: [name, node.v4] },
    { file: "front-proxy", name: "CN=front-proxy" },
    {
      file: "apiserver",
      name: "CN=kube-apiserver",
      hosts: [...apiHosts, ...kubernetes, "kubernetes.default.svc.cluster.local"],
    },
  ];
}

async function writeServiceAccountKeys(directory: string): Promise<void> {
  const keys = await subtle.generateKey(rsa, true, ["sign", "verify"]);
  await writeFile(join(directory, "sa.key"), await keyPem(keys.privateKey), { mode: 0o600 });
  const spki = await subtle.exportKey("spki", keys.publicKey);
  await writeFile(join(directory, "sa.pub"), pem("PUBLIC KEY", spki));
}

async function kubeconfig(cluster: Cluster, user: string): Promise<string> {
  const directory = join(cluster.state, "pki");
  const data = async (file: string): Promise<string> =>
    (await readFile(join(directory, file))).toString("base64");
  const { name } = cluster;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server: `https://${cluster.node.v4}:6443`,
          "certificate-authority-data": await data("ca.crt"),
        },
      },
    ],
    users: [
      {
        name: user,
        user: {
          "client-certificate-data": await data(`${user}.crt`),
          "client-key-data": await data(`${user}.key`),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user } }],
    "current-context": name,
  });
}

/** Where the node finds the kubeconfig of one of its users. */
export const kubeconfigOf = (user: string): string => `${inside.state}/pki/${user}.conf`;

/** Makes the certificates and kubeconfigs of a cluster, unless an earlier run finished that. */
export async function ensureCertificates(cluster: Cluster): Promise<void> {
  const directory = join(cluster.state, "pki");
  const done = join(directory, "complete");
  if (existsSync(done)) return;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await makeAuthority(cluster.name);
  await writeFile(join(directory, "ca.crt"), `${authority.certificate.toString("pem")}\n`);
  await writeFile(join(directory, "ca.key"), await keyPem(authority.keys.privateKey), {
    mode: 0o600,
  });
  await Promise.all([
    writeServiceAccountKeys(directory),
    ...subjects(cluster).map((subject) => issue(subject, authority, directory)),
  ]);
  for (const user of [...Object.keys(users), "kubelet"]) {
    await writeAtomically(join(directory, `${user}.conf`), await kubeconfig(cluster, user));
  }
  await writeAtomically(cluster.kubeconfig, await kubeconfig(cluster, "admin"));
  await writeAtomically(done, "");
}
