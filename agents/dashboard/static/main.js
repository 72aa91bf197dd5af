// The page: what is told, shown; what is pressed, asked.

import * as actions from "./actions.js";
import * as adding from "./adding.js";
import * as chain from "./chain.js";
import { $, el, mark, say } from "./dom.js";
import * as peers from "./peers.js";
import * as plots from "./plots.js";
import { Store } from "./store.js";
import * as timeline from "./timeline.js";
import { headline, view } from "./view.js";

const REDRAW_MS = 1000; // ages and waits go on without news
const store = new Store();
const rates = new Map(); // exit -> what its counters were, and what flowed since
const NOTHING = { received_bps: null, sent_bps: null };
let now = view(store);
let wasOnline = false;

function show() {
  now = view(store);
  for (const exit of now.exits) Object.assign(exit, flowing(exit));
  const [title, detail] = headline(now);
  say($("headline"), title);
  say($("subline"), detail);
  showLink();
  showControls();
  chain.show(now, (name, button) => {
    actions.offer(now.exits.find((exit) => exit.name === name), button);
  });
  timeline.show(store.events, store.states.get("coordinator/history"));
  peers.show(now.peers);
  document.title = now.carries ? `${now.carrying.join(", ")} · vpnchain` : "vpnchain";
}

// Bits a second out of the counters of an exit; null: nobody counts, undefined: only just.
function flowing(exit) {
  const { received_bytes: received, sent_bytes: sent } = exit.report;
  const known = rates.get(exit.name);
  if (!exit.online || received == null || sent == null) rates.delete(exit.name);
  else if (!known || received < known.received || sent < known.sent) {
    rates.set(exit.name, { received, sent, at: Date.now() });
  } else {
    const seconds = (Date.now() - known.at) / 1000;
    const moved = received > known.received || sent > known.sent;
    if (seconds > 8 || (moved && seconds > 0.5)) {
      rates.set(exit.name, {
        received, sent, at: Date.now(),
        received_bps: (8 * (received - known.received)) / seconds,
        sent_bps: (8 * (sent - known.sent)) / seconds,
      });
    }
  }
  const { received_bps, sent_bps } = rates.get(exit.name) ?? NOTHING;
  return { received_bps, sent_bps };
}

function showLink() {
  const state = !store.online ? "lost" : !now.bus ? "nobus" : !now.coordinator ? "alone" : "live";
  const texts = {
    lost: "no server", nobus: "broker away", alone: "no coordinator", live: "live",
  };
  mark($("link"), "state", state);
  say($("link"), texts[state]);
}

function showControls() {
  const choice = now.mode.choice ?? "auto";
  const text = choice === "auto" ? "The coordinator chooses the exit." : `By wish: ${choice} ${now.mode.exit}.`;
  const controls = $("controls");
  if (controls.dataset.text === text) return;
  controls.dataset.text = text;
  const button = el("button", { type: "button", class: "quiet", onclick: () => actions.ask("auto") }, "Choose by itself");
  controls.replaceChildren(el("p", { class: "muted" }, text), ...(choice === "auto" ? [] : [button]));
}

// --- dark and light: as the system has it, until somebody says otherwise -------------------

function theme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const wished = localStorage.getItem("theme");
    const dark = wished ? wished === "dark" : system.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    $("theme").setAttribute("aria-pressed", String(dark));
    document.dispatchEvent(new Event("themechange"));
  };
  $("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme === "dark";
    localStorage.setItem("theme", dark ? "light" : "dark");
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}

theme();
adding.begin(() => now.there.map((entry) => entry.name));
actions.begin();
plots.begin();
store.addEventListener("change", () => {
  show();
  if (store.online && !wasOnline) {
    plots.fetchAll();
    actions.who(); // a server that began anew knows no session
  }
  wasOnline = store.online;
});
store.open();
setInterval(() => {
  show();
  plots.sample(now.exits);
}, REDRAW_MS);
