// The clients, those connected first.

import { $, arrange, el, mark, say } from "./dom.js";
import { bytes, since } from "./words.js";

const rows = new Map(); // client -> its elements
const none = el("tr", {}, el("td", { colspan: 4, class: "muted" }, "No client is known yet."));

export function show(peers) {
  const keys = new Set(peers.map((peer) => peer.key));
  for (const key of rows.keys()) if (!keys.has(key)) rows.delete(key);
  for (const peer of peers) {
    if (!rows.has(peer.key)) rows.set(peer.key, row());
    showPeer(rows.get(peer.key), peer);
  }
  const shown = peers.map((peer) => rows.get(peer.key).root);
  arrange($("peers"), shown.length ? shown : [none]);
}

function row() {
  const parts = {
    sign: el("span", { class: "sign", "aria-hidden": "true" }),
    name: el("span"),
    seen: el("td"),
    received: el("td", { class: "number" }),
    sent: el("td", { class: "number" }),
  };
  const title = el("th", { scope: "row" }, parts.sign, parts.name);
  return { root: el("tr", {}, title, parts.seen, parts.received, parts.sent), ...parts };
}

function showPeer(parts, peer) {
  const ago = peer.handshake_at ? `${since(peer.handshake_at)} ago` : "";
  const seen = peer.connected ? ["connected", ago].filter(Boolean).join(", ") : ago || "never";
  mark(parts.root, "look", peer.connected ? "ready" : "idle");
  say(parts.sign, peer.connected ? "●" : "○");
  say(parts.name, peer.name);
  say(parts.seen, seen);
  say(parts.received, bytes(peer.received_bytes));
  say(parts.sent, bytes(peer.sent_bytes));
}
