// The living picture: clients, entry, exits, providers, internet; wires.js joins them.

import { $, arrange, el, mark, say } from "./dom.js";
import { LOOKS } from "./view.js";
import { draw } from "./wires.js";
import { millis, rate, share, since } from "./words.js";

const stations = $("stations");
const cards = new Map(); // exit -> its elements
let drawn = [];

const clients = station("Clients", "clients");
const entry = station("Entry", "entry");
const column = el("div", { class: "exits", role: "list", "aria-label": "Exits" });
const internet = station("Internet", "internet");
stations.append(clients.root, entry.root, column, internet.root);
new ResizeObserver(() => wire()).observe(stations);

function station(title, name) {
  const parts = {
    kind: el("p", { class: "kind" }, title),
    name: el("p", { class: "name" }),
    detail: el("p", { class: "detail" }),
  };
  const root = el("div", { class: `card ${name}` }, ...Object.values(parts));
  return { root, ...parts };
}

function card(name, act) {
  const parts = {
    sign: el("span", { class: "sign", "aria-hidden": "true" }),
    name: el("span", { class: "name" }, name),
    look: el("p", { class: "look" }),
    detail: el("p", { class: "detail" }),
    cause: el("p", { class: "cause" }),
    provider: el("p", { class: "provider" }),
    figures: el("dl", { class: "figures" }),
  };
  const button = el(
    "button",
    { type: "button", class: "more", "aria-haspopup": "menu", "aria-expanded": "false",
      "aria-label": `What to do with ${name}`, onclick: (e) => act(name, e.currentTarget) },
    "⋯",
  );
  const exit = el(
    "article",
    { class: "card exit" },
    el("div", { class: "title" }, parts.sign, parts.name, button),
    parts.look, parts.detail, parts.cause, parts.figures, parts.provider,
  );
  // Beside the exit if there is room, else in its card.
  const server = station("Provider", "server");
  const root = el("div", { class: "row", role: "listitem" }, exit, server.root);
  return { root, exit, server, ...parts };
}

export function show(now, act) {
  showClients(now);
  showEntry(now);
  showInternet(now);
  for (const exit of now.exits) {
    if (!cards.has(exit.name)) cards.set(exit.name, card(exit.name, act));
    showExit(cards.get(exit.name), exit);
  }
  const names = now.exits.map((exit) => exit.name);
  for (const name of cards.keys()) if (!names.includes(name)) cards.delete(name);
  arrange(column, names.map((name) => cards.get(name).root));
  drawn = now.exits;
  wire();
}

function showClients(now) {
  const there = now.peers.filter((peer) => peer.connected).length;
  say(clients.name, `${there} connected`);
  say(clients.detail, `of ${now.peers.length} known`);
  mark(clients.root, "look", there ? "ready" : "idle");
}

function showEntry(now) {
  const open = now.entry?.gate === "open";
  const many = now.entries.length;
  say(entry.kind, many > 1 ? `${now.entry.name} (1 of ${many} entries)` : "Entry");
  say(entry.name, open ? "gate open" : "gate closed");
  const wireguard = now.entry?.wireguard && `WireGuard, ${now.entry.wireguard}`;
  const gone = now.entry?.egress.away && "its agent is not there";
  const parts = [gone, now.entry?.cause, wireguard].filter(Boolean);
  say(entry.detail, parts.join(" · ") || "not heard of");
  mark(entry.root, "look", now.entry?.leak ? "down" : open ? "ready" : "closed");
}

function showInternet(now) {
  const address = now.entry?.egress.away ? "" : now.entry?.public_address;
  say(internet.name, now.carrying.length ? "reached" : "not reached");
  say(internet.detail, address ? `clients seen as ${address}` : "");
  mark(internet.root, "look", now.carrying.length ? "ready" : "idle");
}

function showExit(parts, exit) {
  const look = LOOKS[exit.look];
  mark(parts.exit, "look", exit.look);
  say(parts.sign, look.sign);
  say(parts.look, look.text + (exit.wished ? ` · ${exit.wished}` : ""));
  const ready = exit.report.stage === "ready";
  const age = ready && exit.report.since ? `ready for ${since(exit.report.since)}` : exit.words;
  say(parts.detail, exit.online ? age : exit.words);
  const trouble = exit.report.cause || exit.path?.cause || "";
  say(parts.cause, trouble + again(exit.report));
  say(parts.provider, exit.report.server ? `provider ${exit.report.server}` : "");
  say(parts.server.name, exit.report.server || "not known yet");
  mark(parts.server.root, "look", exit.carries ? "ready" : "idle");
  showFigures(parts.figures, exit);
}

function again(report) {
  const wait = (report.retry_at ?? 0) - Date.now() / 1000;
  return wait > 0 ? ` · again in ${Math.ceil(wait)} s` : "";
}

function showFigures(list, exit) {
  const figures = exit.path && exit.path.health !== "down"
    ? [["RTT", millis(exit.path.rtt_ms)], ["Loss", share(exit.path.loss_ratio)],
       ["Down", rate(exit.received_bps)]]
    : [];
  if (list.children.length !== figures.length) {
    list.replaceChildren(
      ...figures.map(([name]) => el("div", {}, el("dt", {}, name), el("dd"))),
    );
  }
  figures.forEach(([, value], at) => say(list.children[at].lastChild, value));
}

function wire() {
  const flowing = drawn.some((exit) => exit.carries);
  const ready = entry.root.dataset.look === "ready";
  const lines = [{ from: clients.root, to: entry.root, look: ready && flowing ? "flow" : "idle" }];
  for (const { name, carries, look } of drawn) {
    const { exit, server } = cards.get(name);
    const looks = carries ? "flow" : look;
    // Beyond the provider nobody looks: it is drawn where an exit vouches for it.
    const beyond = carries ? "flow" : look === "ready" || look === "degraded" ? "ready" : "idle";
    lines.push({ from: entry.root, to: exit, look: looks, title: true });
    if (server.root.offsetParent) {
      lines.push({ from: exit, to: server.root, look: looks });
      lines.push({ from: server.root, to: internet.root, look: beyond });
    } else lines.push({ from: exit, to: internet.root, look: looks });
  }
  draw(lines, stations);
}
