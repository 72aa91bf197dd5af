// What people ask for: always with a question first, and an answer after.

import { $, el, say } from "./dom.js";

const RETRY_MS = 2000;
const AWAY = "The dashboard's server is away.";
let mayAct = false;
let canLogIn = false;
let menu = null;
let retry = 0;

const TEXTS = {
  prefer: ["Move to", "Clients' traffic goes there while it is usable. A planned move loses no packet."],
  only: ["Pin to", "Clients' traffic goes there or nowhere, also if it fails."],
  drain: ["Drain", "It gets no traffic while another exit is usable."],
  undrain: ["Use again", "It may carry traffic again."],
  reconnect: ["Reconnect", "Its tunnel is built anew. If it carries, clients move first."],
  auto: ["Choose by itself", "The best usable exit carries, by the order of the settings."],
};

export function begin() {
  $("login").addEventListener("click", () => (mayAct && canLogIn ? leave() : enter()));
  $("enter-form").addEventListener("submit", submit);
  // No submitting button: the first of those is what Enter presses in a field.
  $("enter-no").addEventListener("click", () => $("enter").close());
  document.addEventListener("keydown", (event) => event.key === "Escape" && shut());
  document.addEventListener("click", (event) => {
    if (menu && !menu.node.contains(event.target) && event.target !== menu.owner) shut();
  });
}

// Who is here; if nobody says so, the page shows the chain all the same, and asks again.
export async function who() {
  clearTimeout(retry);
  let me;
  try {
    const answer = await fetch("/api/me", { headers: session() });
    me = await answer.json();
  } catch {
    retry = setTimeout(who, RETRY_MS);
    return;
  }
  mayAct = me.may_act;
  canLogIn = me.login;
  $("login").hidden = !canLogIn;
  say($("login"), mayAct ? "Log out" : "Log in");
}

// Of this tab, and of this port: a cookie would go to every server of this host.
function session() {
  return { "X-Vpnchain-Session": sessionStorage.getItem("session") ?? "" };
}

export async function post(path, body) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...session() },
    body: JSON.stringify(body),
  });
}

function enter() {
  $("token").value = "";
  say($("enter-error"), "");
  $("enter").showModal();
}

async function submit(event) {
  event.preventDefault();
  try {
    const answer = await post("/api/login", { token: $("token").value });
    if (!answer.ok) return say($("enter-error"), await answer.text());
    sessionStorage.setItem("session", (await answer.json()).session);
  } catch {
    return say($("enter-error"), AWAY);
  }
  $("enter").close();
  await who();
}

async function leave() {
  try {
    await post("/api/logout", {});
  } catch {
    return toast(AWAY, false);
  }
  sessionStorage.removeItem("session");
  await who();
}

// The menu of one exit, at its button.
export function offer(exit, owner) {
  const again = menu?.owner === owner;
  shut();
  if (again) return;
  const verbs = ["prefer", "only", exit.drained ? "undrain" : "drain", "reconnect"];
  const node = el("div", { class: "menu", role: "menu", "aria-label": exit.name },
    ...verbs.map((verb) =>
      el("button", { type: "button", role: "menuitem", onclick: () => choose(verb, exit.name) },
        `${TEXTS[verb][0]} ${exit.name}`)),
  );
  owner.after(node);
  owner.setAttribute("aria-expanded", "true");
  menu = { node, owner };
  node.addEventListener("keydown", walk);
  node.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && relatedTarget !== owner && !node.contains(relatedTarget)) shut();
  });
  node.firstChild.focus();
}

function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...menu.node.children];
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length].focus();
}

function shut() {
  if (!menu) return;
  const { node, owner } = menu;
  menu = null; // the focus that leaves it comes here again
  owner.setAttribute("aria-expanded", "false");
  if (node.contains(document.activeElement)) owner.focus();
  node.remove();
}

function choose(verb, exit) {
  shut();
  ask(verb, exit);
}

// Whether buttons work for who is here; if not, the way in is shown, or told that there is none.
export function allowed(refuse) {
  if (mayAct) return true;
  if (canLogIn) enter();
  else refuse("Nobody may press buttons here: the settings name no token.");
  return false;
}

// Asks whether it is meant, then asks the chain.
export async function ask(verb, exit = "") {
  if (!allowed((why) => toast(why, false))) return;
  const [title, text] = TEXTS[verb];
  const whole = exit ? `${title} ${exit}` : title;
  say($("ask-title"), `${whole}?`);
  say($("ask-text"), text);
  say($("ask-yes"), whole);
  const dialog = $("ask");
  dialog.returnValue = "no";
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && send(verb, exit, whole), {
    once: true,
  });
  dialog.showModal();
}

async function send(verb, exit, whole) {
  const agent = verb === "reconnect" ? exit : "coordinator";
  const about = verb === "reconnect" || verb === "auto" ? "" : exit;
  try {
    const answer = await post("/api/request", { agent, verb, exit: about });
    if (answer.status === 403) await who();
    if (!answer.ok) return toast(await answer.text(), false);
    const { ok, error } = await answer.json();
    toast(ok ? `${whole}: done` : `${whole}: ${error}`, ok);
  } catch {
    toast(AWAY, false);
  }
}

let fading = 0;
export function toast(text, good) {
  const node = $("toast");
  node.dataset.look = good ? "good" : "grave";
  say(node, text);
  clearTimeout(fading);
  fading = setTimeout(() => say(node, ""), 6000);
}
