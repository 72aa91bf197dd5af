// From topics to what a person wants to know. No element is touched here.
// Whether clients get out, and by which exits, the server says: `carries`, `egress/ENTRY`.

const STAGES = {
  down: "no tunnel",
  ike: "shaking hands",
  ipsec: "encrypted",
  l2tp: "call taken",
  ppp: "has an address",
  ready: "ready",
};

// One word for the state of an exit: it is shown as colour, sign and text.
export const LOOKS = {
  carries: { sign: "●", text: "carries your traffic" },
  ready: { sign: "○", text: "standing by" },
  degraded: { sign: "▲", text: "slow or lossy" },
  working: { sign: "◔", text: "coming up" },
  down: { sign: "✕", text: "down" },
  drained: { sign: "⏸", text: "drained" },
};

const NOWHERE = { exit: null, held: "", away: "" };

export function view(store) {
  const order = store.states.get("coordinator/order") ?? null;
  const mode = store.states.get("coordinator/mode") ?? { choice: "auto", drained: [] };
  const entries = [...store.matching("entry/+/state")].map(([[name], state]) => ({
    name,
    egress: store.states.get(`egress/${name}`) ?? NOWHERE,
    ...state,
  }));
  // Of several the one that needs somebody.
  const there = entries.filter((one) => !one.egress.away);
  const entry = there.find((one) => one.egress.held) ?? there[0] ?? entries[0] ?? null;
  const exits = exitsOf(store, order, mode, entry, there);
  return {
    order, mode, entry, entries, there, exits,
    carries: store.states.get("carries")?.yes ?? false,
    coordinator: online(store, "coordinator"),
    peers: peersOf(store),
    bus: store.states.get("bus")?.connected ?? false,
    carrying: exits.filter((exit) => exit.carries).map((exit) => exit.name),
  };
}

function online(store, name) {
  return store.states.get(`agent/${name}/presence`)?.status === "online";
}

function exitsOf(store, order, mode, entry, there) {
  const reports = new Map([...store.matching("exit/+/state")].map(([[n], s]) => [n, s]));
  const ranked = (order?.exits ?? []).map((hop) => hop.exit);
  const names = [...new Set([...ranked, ...[...reports.keys()].sort()])];
  return names.map((name) => {
    const report = reports.get(name) ?? { stage: "down" };
    // The last word of an entry that is gone does not count.
    const path = there.includes(entry) && store.states.get(`entry/${entry.name}/path/${name}`);
    const exit = {
      name, report,
      path: path || null,
      online: online(store, name),
      drained: mode.drained?.includes(name) ?? false,
      wished: mode.exit === name ? mode.choice : "",
    };
    const carries = there.some(({ egress }) => egress.exit === name && !egress.held);
    return { ...exit, carries, look: lookOf(exit, carries), words: wordsOf(exit) };
  });
}

function lookOf(exit, carries) {
  const health = exit.path?.health ?? "unknown";
  const measured = health === "up" || health === "degraded";
  if (carries && health !== "degraded") return "carries";
  if (!exit.online && !measured) return "down";
  if (exit.drained) return "drained";
  if (health === "down") return exit.report.stage === "down" ? downOr(exit) : "down";
  if (health === "degraded") return "degraded";
  if (exit.report.stage === "ready") return "ready";
  return downOr(exit);
}

function downOr(exit) {
  const trying = exit.online && !exit.report.retry_at && !exit.report.cause;
  return trying ? "working" : "down";
}

function wordsOf(exit) {
  if (!exit.online) return "its agent is not there";
  return STAGES[exit.report.stage] ?? exit.report.stage;
}

function peersOf(store) {
  return [...store.matching("entry/+/peer/+")]
    .map(([[entry, id], peer]) => ({ key: `${entry}/${id}`, entry, ...peer }))
    .sort((a, b) => b.connected - a.connected || a.name.localeCompare(b.name));
}

export function headline(now) {
  if (!now.bus) return ["The broker is away", "What you see is what was heard last."];
  const leak = now.there.find((entry) => entry.leak)?.leak;
  if (leak) return ["The gate is closed: a leak was seen", leak];
  const ways = now.carrying.join(", ");
  if (now.carries) return [`Traffic leaves through ${ways}`, now.order?.reason ?? ""];
  if (ways) return someHeld(now, ways);
  if (!now.order) return ["Waiting for the coordinator", ""];
  const reason = now.order.reason ?? "";
  if (!now.entry) return ["No entry has reported", ""];
  if (!now.there.length) return ["No entry is there", now.entry.egress.held];
  if (now.entry.gate !== "open") return ["The gate is closed", reason];
  const { exit, held } = now.entry.egress;
  if (exit) return [`${exit} should carry, but does not well`, held];
  return ["Clients are held: no exit is usable", reason];
}

// Whoever came in by another entry gets out: that is no yes.
function someHeld(now, ways) {
  const held = now.there.filter((entry) => entry.egress.held);
  const names = held.map((entry) => entry.name).join(", ");
  const why = [...new Set(held.map((entry) => entry.egress.held))].join("; ");
  return [`Clients of ${names} do not get out`, `${why}. The others leave through ${ways}.`];
}
