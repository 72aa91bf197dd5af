// The clients, those connected first.

import { $, el } from "./dom.js";
import { bytes, since } from "./words.js";

export function show(peers) {
  const rows = peers.map((peer) => {
    const look = peer.connected ? "ready" : "idle";
    const ago = peer.handshake_at ? `${since(peer.handshake_at)} ago` : "";
    const seen = peer.connected ? ["connected", ago].filter(Boolean).join(", ") : ago || "never";
    return el(
      "tr",
      { "data-look": look },
      el("th", { scope: "row" }, el("span", { class: "sign", "aria-hidden": "true" }, peer.connected ? "●" : "○"), peer.name),
      el("td", {}, seen),
      el("td", { class: "number" }, bytes(peer.received_bytes)),
      el("td", { class: "number" }, bytes(peer.sent_bytes)),
    );
  });
  if (!rows.length) rows.push(el("tr", {}, el("td", { colspan: 4, class: "muted" }, "No client is known yet.")));
  $("peers").replaceChildren(...rows);
}
