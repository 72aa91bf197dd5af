// What happened, newest first, in sentences.

import { $, el } from "./dom.js";
import { clock, millis } from "./words.js";

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
const GRAVE = new Set(["failover", "exhausted", "lost", "failed", "leak", "gate-closed"]);
const GOOD = new Set(["failback", "resumed", "gate-opened"]);

let shown = null;

export function show(events) {
  const last = events.at(-1);
  if (last === shown) return;
  shown = last;
  const items = events.map(sentence).filter(Boolean).reverse().slice(0, 100);
  $("events").replaceChildren(...items);
}

function sentence(event) {
  const said = words(event);
  if (!said) return null;
  const [title, detail] = said;
  const look = GRAVE.has(event.kind) ? "grave" : GOOD.has(event.kind) ? "good" : "plain";
  return el(
    "li",
    { "data-look": look },
    el("time", { datetime: new Date(event.at * 1000).toISOString() }, clock(event.at)),
    el("div", {}, el("p", {}, title), detail ? el("p", { class: "muted" }, detail) : null),
  );
}

function words(event) {
  const [family, name] = event.topic.split("/");
  if (family === "coordinator") {
    const way = event.before === event.after ? "" : `: ${event.before ?? "none"} → ${event.after ?? "none"}`;
    return [`${DECISIONS[event.kind] ?? event.kind}${way}`, event.reason];
  }
  if (family === "exit") return exitWords(name, event);
  if (family === "entry") return entryWords(event);
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
