// The living picture: clients, entry, exits and providers, and the wires between them.

import { $, arrange, el, mark, say, svg } from "./dom.js";
import { LOOKS } from "./view.js";
import { millis, rate, share, since } from "./words.js";

const stations = $("stations");
const wires = document.querySelector(".wires");
const cards = new Map(); // exit -> its elements
let drawn = [];

const clients = station("Clients", "clients");
const entry = station("Entry", "entry");
const column = el("div", { class: "exits", role: "list", "aria-label": "Exits" });
stations.append(clients.root, entry.root, column);
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
  const root = el(
    "article",
    { class: "card exit", role: "listitem" },
    el("div", { class: "title" }, parts.sign, parts.name, button),
    parts.look, parts.detail, parts.cause, parts.figures, parts.provider,
  );
  return { root, button, ...parts };
}

export function show(now, act) {
  showClients(now);
  showEntry(now);
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
  const address = now.entry?.public_address && `seen as ${now.entry.public_address}`;
  const gone = now.entry?.egress.away && "its agent is not there";
  const parts = [gone, now.entry?.cause, wireguard, address].filter(Boolean);
  say(entry.detail, parts.join(" · ") || "not heard of");
  mark(entry.root, "look", now.entry?.leak ? "down" : open ? "ready" : "closed");
}

function showExit(parts, exit) {
  const look = LOOKS[exit.look];
  mark(parts.root, "look", exit.look);
  say(parts.sign, look.sign);
  say(parts.look, look.text + (exit.wished ? ` · ${exit.wished}` : ""));
  const ready = exit.report.stage === "ready";
  const age = ready && exit.report.since ? `ready for ${since(exit.report.since)}` : exit.words;
  say(parts.detail, exit.online ? age : exit.words);
  const trouble = exit.report.cause || exit.path?.cause || "";
  say(parts.cause, trouble + again(exit.report));
  say(parts.provider, exit.report.server ? `provider ${exit.report.server}` : "");
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

// --- wires -------------------------------------------------------------------------------

const TITLE_PX = 34; // where the name of an exit stands

function wire() {
  const frame = stations.getBoundingClientRect();
  wires.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  const lines = [
    { from: clients.root, to: entry.root, look: entry.root.dataset.look === "ready" ? flow() : "idle" },
    ...drawn.map((exit) => ({
      from: entry.root,
      to: cards.get(exit.name)?.root,
      look: exit.carries ? "flow" : exit.look,
      below: TITLE_PX,
    })),
  ].filter((line) => line.to);
  lines.sort((a, b) => (a.look === "flow") - (b.look === "flow")); // it lies on top
  while (wires.children.length > lines.length) wires.lastChild.remove();
  while (wires.children.length < lines.length) wires.append(svg("path"));
  lines.forEach(({ from, to, look, below }, at) => {
    wires.children[at].setAttribute("d", path(box(from, frame), box(to, frame), below));
    wires.children[at].setAttribute("class", look);
  });
}

function flow() {
  return drawn.some((exit) => exit.carries) ? "flow" : "idle";
}

function box(node, frame) {
  const { left, top, width, height } = node.getBoundingClientRect();
  return { x: left - frame.left, y: top - frame.top, width, height };
}

// Beside each other: from side to side, to the middle or so far below the top; one below
// the other: along the left edge.
function path(a, b, below = Infinity) {
  if (b.x >= a.x + a.width) {
    const [x1, y1] = [a.x + a.width, a.y + a.height / 2];
    const [x2, y2] = [b.x, b.y + Math.min(b.height / 2, below)];
    const bend = (x2 - x1) / 2;
    return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
  }
  const x = a.x + 22;
  return `M${x},${a.y + a.height} L${x},${b.y}`;
}
