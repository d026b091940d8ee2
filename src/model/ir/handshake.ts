/** What Envoy's TLS library has. A name that it has not keeps all that is in one message from the proxy. */

/** Those of TLS up to 1.2, as OpenSSL names them; nobody chooses among those of TLS 1.3. */
const SUITE =
  /^((ECDHE-(ECDSA|RSA)-)?AES(128-GCM-SHA256|256-GCM-SHA384|(128|256)-SHA)|ECDHE-(ECDSA|RSA)-CHACHA20-POLY1305|ECDHE-RSA-AES128-SHA256|DES-CBC3-SHA)$/;

const CURVE = /^(X25519|X25519MLKEM768|P-(256|384|521))$/;

export const isSuite = (name: string): boolean => SUITE.test(name);

export const isCurve = (name: string): boolean => CURVE.test(name);
