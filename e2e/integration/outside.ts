/** Servers that are of no mesh, at an address of the machine that a pod's network sees. */
import { once } from "node:events";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer, type Server } from "node:net";
import type { TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import { issueServing } from "../../src/ca/issue.ts";
import { createRoot, loadIssuer } from "../../src/ca/root.ts";

export interface Certificate {
  readonly chain: string;
  readonly key: string;
  readonly roots: string;
}

/** A certificate of nobody's mesh. */
export async function certificateFor(...dnsNames: readonly string[]): Promise<Certificate> {
  const now = new Date();
  const root = await createRoot({ trustDomain: "public", now, ttlMs: 3_600_000 });
  const issuer = await loadIssuer(root, { source: "a root for tests", now });
  const leaf = await issueServing(issuer, { dnsNames, ttlMs: 1_800_000, now });
  return { chain: leaf.certChainPem, key: leaf.keyPem, roots: issuer.rootsPem };
}

/** What a server outside saw of a request. */
export interface SeenOutside {
  readonly host: string;
  /** Named in the TLS greeting. */
  readonly servername?: string;
  readonly from: string;
}

export interface Outside {
  readonly address: string;
  readonly certificate: Certificate;
}

interface Ports {
  readonly http?: number;
  readonly https?: number;
  /** Says "welcome" unasked. */
  readonly greeter?: number;
}

/** Servers on an address, until the test ends. */
export async function serveOutside(
  t: TestContext,
  address: string,
  { http, https, greeter }: Ports,
  ...names: readonly string[]
): Promise<Outside> {
  const certificate = await certificateFor(...names);
  const tls = { cert: certificate.chain, key: certificate.key };
  await Promise.all([
    http !== undefined && listening(t, createHttp(answer), { address, port: http }),
    https !== undefined && listening(t, createHttps(tls, answer), { address, port: https }),
    greeter !== undefined &&
      listening(
        t,
        createServer((socket) => socket.on("error", () => {}).end("welcome")),
        { address, port: greeter },
      ),
  ]);
  return { address, certificate };
}

const answer: RequestListener = ({ headers, socket }, outgoing) => {
  const { servername } = socket as Partial<Pick<TLSSocket & { servername: string }, "servername">>;
  const seen: SeenOutside = {
    host: headers.host ?? "",
    from: socket.remoteAddress ?? "",
    ...(servername !== undefined && { servername }),
  };
  outgoing.end(JSON.stringify(seen));
};

async function listening(
  t: TestContext,
  server: Server,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  server.listen(port, address);
  await once(server, "listening");
  t.after(() => server.close());
}
