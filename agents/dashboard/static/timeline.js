// What happened, newest first, in sentences.

import { $, arrange, el } from "./dom.js";
import { millis, moment } from "./words.js";

const DECISIONS = {
  "gate-opened": "Gate opened",
  "gate-closed": "Gate closed",
  failover: "Failover",
  failback: "Back to the better exit",
  exhausted: "No exit is left",
  resumed: "Traffic flows again",
  ranked: "Standbys ranked anew",
  adopted: "Coordinator took over",
  moved: "Moved as asked",
};
const GRAVE = new Set([
  "failover", "exhausted", "lost", "failed", "leak", "gate-closed", "died", "out-of-memory",
]);
const GOOD = new Set(["failback", "resumed", "gate-opened"]);
const SHOWN = 100;

let shown = []; // what the list was made of
let items = new Map(); // what is said, in short -> its element

// `history`: the last moves, which the broker remembers; the server forgets with its life.
export function show(events, history) {
  if (shown[0] === events && shown[1] === history) return;
  shown = [events, history];
  const all = new Map(events.map((event) => [keyOf(event), event]));
  for (const move of history?.moves ?? []) {
    const event = { topic: "coordinator/event", ...move };
    if (!all.has(keyOf(event))) all.set(keyOf(event), event);
  }
  const newest = [...all].sort(([, a], [, b]) => a.at - b.at).reverse();
  const known = items;
  items = new Map();
  for (const [same, event] of newest) {
    const key = `${same} ${event.outage_ms}`; // what a move has cost is said later
    const item = known.get(key) ?? sentence(event);
    if (item) items.set(key, item);
    if (items.size === SHOWN) break;
  }
  arrange($("events"), [...items.values()]);
}

function keyOf(event) {
  return [event.topic, event.kind, event.at, event.after, event.peer].join(" ");
}

function sentence(event) {
  const said = words(event);
  if (!said) return null;
  const [title, detail] = said;
  return el(
    "li",
    { "data-look": lookOf(event) },
    el("time", { datetime: new Date(event.at * 1000).toISOString() }, moment(event.at)),
    el("div", {}, el("p", {}, title), detail ? el("p", { class: "muted" }, detail) : null),
  );
}

function lookOf(event) {
  if (GRAVE.has(event.kind) || event.health === "unhealthy") return "grave";
  return GOOD.has(event.kind) ? "good" : "plain";
}

function words(event) {
  const [family, name] = event.topic.split("/");
  if (family === "coordinator") {
    const way = event.before === event.after ? "" : `: ${event.before ?? "none"} → ${event.after ?? "none"}`;
    const cost = event.outage_ms ? `clients had no way for ${millis(event.outage_ms)}` : "";
    const why = [event.reason, cost].filter(Boolean).join(" · ");
    return [`${DECISIONS[event.kind] ?? event.kind}${way}`, why];
  }
  if (family === "exit") return exitWords(name, event);
  if (family === "entry") return entryWords(event);
  if (family === "container") return containerWords(event);
  return null;
}

function exitWords(name, event) {
  if (event.kind === "lost") return [`${name} lost its tunnel`, event.cause];
  if (event.kind === "failed") return [`${name}: an attempt failed`, event.cause];
  if (event.after === "ready") {
    const took = event.duration_s === null ? "" : `last step ${event.duration_s.toFixed(2)} s`;
    return [`${name} is ready`, took];
  }
  return null;
}

function entryWords(event) {
  if (event.kind === "peer-connected") return [`${event.peer} connected`, ""];
  if (event.kind === "peer-gone") return [`${event.peer} went silent`, ""];
  if (event.kind === "leak") return ["A leak was seen: the gate is closed", ""];
  if (event.kind === "moved" && event.outage_ms) {
    return [`Clients had no way for ${millis(event.outage_ms)}`, ""];
  }
  return null;
}

function containerWords(event) {
  const name = `Container ${event.container}`;
  const code = event.exit_code === null ? "" : ` with ${event.exit_code}`;
  const texts = {
    started: "started",
    died: `died${code}`,
    "out-of-memory": "is out of memory",
    health: `is ${event.health}`,
    removed: "is removed",
    restarted: event.cause ? "was to be restarted, in vain" : "was restarted on request",
  };
  return [`${name} ${texts[event.kind] ?? event.kind}`, event.cause];
}
