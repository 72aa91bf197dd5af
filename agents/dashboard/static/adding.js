// A new client: named, asked for, and shown once as a code and a text.

import { allowed, post, who } from "./actions.js";
import { $, el, say, svg } from "./dom.js";
import { configuration, fileName, load, newPair } from "./wireguard.js";

const QUIET = 4; // modules around the code that stay light (ISO/IEC 18004)
let entriesHere = () => [];
let waiting = false;

// `entries`: says who may be asked.
export function begin(entries) {
  entriesHere = entries;
  $("add-peer").addEventListener("click", open);
  $("adding-form").addEventListener("submit", submit);
  $("adding-no").addEventListener("click", () => $("adding").close());
  $("adding-name").addEventListener("input", () => say($("adding-command"), command()));
  $("adding").addEventListener("cancel", (event) => waiting && event.preventDefault());
  // Escape is pressed too easily for what cannot be shown again.
  $("added").addEventListener("cancel", (event) => event.preventDefault());
  $("added").addEventListener("close", forget);
  $("added-copy").addEventListener("click", copy);
  $("added-save").addEventListener("click", save);
}

function open() {
  if (!allowed(instead)) return;
  reset();
  const entries = entriesHere();
  $("adding-entry").replaceChildren(...entries.map((name) => el("option", {}, name)));
  $("adding-where").hidden = entries.length < 2;
  $("adding").showModal();
}

function reset() {
  $("adding-form").reset();
  $("adding-instead").hidden = true;
  $("adding-yes").hidden = false;
  say($("adding-error"), "");
}

// Nobody may ask here: the command is all that there is.
function instead(why) {
  reset();
  refuse(why);
  $("adding-yes").hidden = true;
  $("adding").showModal();
}

async function submit(event) {
  event.preventDefault();
  if (waiting) return;
  busy(true);
  say($("adding-error"), "");
  try {
    await add($("adding-name").value.trim(), $("adding-entry").value);
  } finally {
    busy(false);
  }
}

async function add(name, entry) {
  if (!entry) return refuse("No entry is there.");
  const libraries = await load().catch(() => null);
  if (!libraries) return refuse("What makes keys and codes is not installed here.");
  const { privateKey, publicKey } = newPair(libraries.nacl);
  try {
    const answer = await post("/api/peer", { entry, name, public_key: publicKey });
    if (answer.status === 403) await who();
    if (!answer.ok) return refuse(await answer.text());
    const { ok, error, peer } = await answer.json();
    if (!ok || !peer) return refuse(error || "The entry did not say how to reach it.");
    $("adding").close();
    show(name, configuration(peer, privateKey), libraries.qrcode);
  } catch {
    refuse("The dashboard's server is away.");
  }
}

function refuse(why) {
  say($("adding-error"), why);
  say($("adding-command"), command());
  $("adding-instead").hidden = false;
}

function busy(now) {
  waiting = now;
  $("adding-yes").disabled = $("adding-no").disabled = now;
  say($("adding-yes"), now ? "Adding …" : "Add");
  if (!now && $("adding").open) $("adding-name").focus();
}

function command() {
  const name = $("adding-name").value.trim() || "phone";
  const word = /^[A-Za-z0-9._-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
  return `vpnchain peer add ${word}`;
}

// --- what is shown once ---------------------------------------------------------------------

function show(name, text, qrcode) {
  say($("added-title"), `${name} is added`);
  say($("added-said"), "");
  $("added-conf").value = text;
  $("added-save").dataset.file = fileName(name);
  $("added-code").replaceChildren(code(text, qrcode));
  $("added").showModal();
  $("added-title").focus();
}

// Dark on light in either theme: cameras want it so.
export function code(text, qrcode) {
  const made = qrcode(0, "L");
  made.addData(text, "Byte");
  made.make();
  const count = made.getModuleCount();
  const side = count + 2 * QUIET;
  let path = "";
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      if (made.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
    }
  }
  const picture = svg("svg", {
    viewBox: `0 0 ${side} ${side}`, role: "img", "shape-rendering": "crispEdges",
    "aria-label": "QR code of the configuration beside it",
  });
  picture.append(
    svg("rect", { width: side, height: side, fill: "#fff" }),
    svg("path", { d: path, fill: "#000" }),
  );
  return picture;
}

function forget() {
  $("added-conf").value = "";
  $("added-code").replaceChildren();
}

async function copy() {
  const field = $("added-conf");
  try {
    await navigator.clipboard.writeText(field.value);
  } catch { // no secure context
    field.select();
    if (!document.execCommand("copy")) return say($("added-said"), "Press Ctrl+C.");
  }
  say($("added-said"), "Copied");
}

function save() {
  const url = URL.createObjectURL(new Blob([$("added-conf").value], { type: "text/plain" }));
  el("a", { href: url, download: $("added-save").dataset.file }).click();
  setTimeout(() => URL.revokeObjectURL(url), 0);
  say($("added-said"), "Saved");
}
