// A client's side of WireGuard, made here: the private key is in no request.

// What both libraries are fetched for; fails where they are not installed.
export async function load() {
  const [qr] = await Promise.all([
    import("/vendor/qrcode.mjs"),
    import("/vendor/nacl-fast.min.js"), // it calls itself `nacl`
  ]);
  return { nacl: self.nacl, qrcode: qr.qrcode };
}

// A new pair, in the form that `wg genkey` and `wg pubkey` print; random bytes are the
// browser's (crypto.getRandomValues, which needs no secure context).
export function newPair(nacl) {
  const raw = nacl.randomBytes(32);
  raw[0] &= 248; // as curve25519_clamp_secret of WireGuard
  raw[31] = (raw[31] & 127) | 64;
  const pair = { privateKey: base64(raw), publicKey: base64(nacl.scalarMult.base(raw)) };
  raw.fill(0);
  return pair;
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

// The same text that `vpnchain peer add` prints.
export function configuration(terms, privateKey) {
  return [
    "[Interface]",
    `PrivateKey = ${privateKey}`,
    `Address = ${terms.address}/32`,
    ...(terms.dns ? [`DNS = ${terms.dns}`] : []),
    `MTU = ${terms.mtu_bytes}`,
    "",
    "[Peer]",
    `PublicKey = ${terms.entry_key}`,
    `AllowedIPs = ${terms.allowed_ips.join(", ")}`,
    `Endpoint = ${terms.endpoint}`,
    `PersistentKeepalive = ${terms.keepalive_s}`,
    "",
  ].join("\n");
}

// What a program calls the tunnel is the file's name: 15 characters at most.
export function fileName(name) {
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 15);
  return `${plain.replace(/^-+|-+$/g, "") || "client"}.conf`;
}
