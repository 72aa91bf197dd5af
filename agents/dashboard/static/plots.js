// Round trip, loss and throughput of every exit over time; drawn by uPlot.

import { $, el, say, svg } from "./dom.js";
import { ends, millis, rate, share } from "./words.js";

// `of`: what an exit has now; null: nothing, also if it had once; undefined: not known yet.
const KINDS = [
  { title: "Round trip", column: 1, words: millis, axis: ends("ms"), least: 10,
    of: (exit) => measured(exit)?.rtt_ms ?? null },
  { title: "Loss", column: 2, words: share, axis: ends("%", 100), least: 0.05,
    of: (exit) => measured(exit)?.loss_ratio ?? null },
  { title: "Received", column: 3, words: rate, axis: ends("Mbit/s", 1e-6), least: 1e5,
    of: (exit) => exit.received_bps },
  { title: "Sent", column: 4, words: rate, axis: ends("Mbit/s", 1e-6), least: 1e5,
    of: (exit) => exit.sent_bps },
];
// Told apart by people who do not see all colours (Okabe and Ito), and by their dashes.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3]];
const HOUR_S = 3600;
const STEP_S = 5;
const DAY_MS = 60_000; // the rows of a day are the server's: a page has not seen them all

let uPlot = null;
let charts = [];
let series = {}; // exit -> { hour: columns, day: columns }
let names = [];
let latest = new Map(); // exit -> as it is now
let span = 900;

function measured(exit) {
  return exit.path?.health === "down" ? null : exit.path;
}

export async function begin() {
  try {
    uPlot = (await import("/vendor/uPlot.esm.js")).default;
  } catch {
    $("plots").append(el("p", { class: "muted" }, "Plots need uPlot, which is not installed."));
  }
  for (const button of document.querySelectorAll("[data-span]")) {
    button.addEventListener("click", () => choose(button));
  }
  new ResizeObserver(resize).observe($("plots"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
  document.addEventListener("themechange", rebuild);
  setInterval(() => span > HOUR_S && fetchAll(), DAY_MS);
  rebuild();
}

// Anew from the server: when the page comes, and when it was cut off.
export async function fetchAll() {
  try {
    const answer = await fetch("/api/series");
    if (!answer.ok) return;
    series = await answer.json();
    draw();
  } catch {
    // What is drawn stays; the next minute, or connection, asks again.
  }
}

// Another row of what the picture says now.
export function sample(exits) {
  const at = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S;
  latest = new Map(exits.map((exit) => [exit.name, exit]));
  for (const name of Object.keys(series)) if (!latest.has(name)) delete series[name];
  for (const exit of exits) {
    const known = (series[exit.name] ??= { hour: [[], [], [], [], []], day: [[], [], [], [], []] });
    const times = known.hour[0];
    if (times.at(-1) >= at) continue;
    const row = [at, ...KINDS.map((kind) => kind.of(exit))];
    known.hour.forEach((column, index) => column.push(row[index]));
    if (times.length > 720) known.hour.forEach((column) => column.shift());
  }
  const now = exits.map((exit) => exit.name).sort(); // a colour stays, whoever carries
  if (now.join() !== names.join()) {
    names = now;
    rebuild();
  } else draw();
}

function choose(button) {
  span = Number(button.dataset.span);
  for (const other of document.querySelectorAll("[data-span]")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  draw();
  if (span > HOUR_S) fetchAll();
}

function rebuild() {
  legend();
  for (const chart of charts) chart.destroy();
  charts = uPlot && names.length ? KINDS.map(chartOf) : [];
  draw();
}

// The seventh exit has the first one's colour again, and another dash.
function lineOf(at) {
  return {
    stroke: COLOURS[at % COLOURS.length],
    dash: DASHES[Math.floor(at / COLOURS.length) % DASHES.length],
  };
}

function legend() {
  $("legend").replaceChildren(
    ...names.map((name, at) => {
      const { stroke, dash } = lineOf(at);
      const swatch = svg("svg", { class: "swatch", viewBox: "0 0 26 6", "aria-hidden": "true" });
      const line = { d: "M0 3H26", stroke, "stroke-width": 3, "stroke-dasharray": dash.join(" ") };
      swatch.append(svg("path", line));
      return el("li", {}, swatch, name);
    }),
  );
}

function chartOf(kind) {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--muted").trim();
  const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
  const place = placeOf(kind);
  return new uPlot(
    {
      width: width(), height: 150, title: kind.title, legend: { show: false },
      cursor: { sync: { key: "paths" }, points: { size: 6 } },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most * 1.15, kind.least)] } },
      axes: [
        { stroke: ink, grid, ticks: grid, font: "11px system-ui", values: times },
        { stroke: ink, grid, ticks: grid, font: "11px system-ui", size: 76, space: 34,
          values: (_, ticks) => ticks.map((tick) => kind.axis(tick)) },
      ],
      series: [
        {},
        ...names.map((name, at) => ({
          label: name, width: 2, ...lineOf(at), points: { show: false }, spanGaps: false,
        })),
      ],
      hooks: { setCursor: [(chart) => tell(chart, kind)] },
    },
    [[], ...names.map(() => [])],
    place,
  );
}

// Where the chart of a kind is drawn, empty.
function placeOf(kind) {
  const id = `plot-${kind.column}`;
  let figure = $(id);
  if (!figure) {
    figure = el("figure", { id }, el("div"), el("figcaption", { class: "muted" }));
    $("plots").append(figure);
  }
  figure.firstChild.replaceChildren();
  return figure.firstChild;
}

// What is now in words, or what was under the pointer: a picture alone tells not everybody.
function tell(chart, kind) {
  const at = chart.cursor.idx;
  const parts = names.map((name, index) => {
    const exit = latest.get(name);
    const value = at == null ? exit && kind.of(exit) : chart.data[index + 1][at];
    return `${name} ${kind.words(value)}`;
  });
  say($(`plot-${kind.column}`).lastChild, parts.join(" · "));
}

function times(_, ticks) {
  return ticks.map((tick) =>
    new Date(tick * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false }),
  );
}

function draw() {
  const now = Date.now() / 1000;
  charts.forEach((chart, at) => {
    chart.setData(joined(KINDS[at].column, now), false);
    chart.setScale("x", { min: now - span, max: now });
    tell(chart, KINDS[at]);
  });
}

// One column of every exit over common times; null where an exit has no value, which is a gap,
// undefined where it says nothing of this moment, which is none.
function joined(column, now) {
  const which = span > HOUR_S ? "day" : "hour";
  const step = span > HOUR_S ? 60 : STEP_S;
  const rows = new Map();
  names.forEach((name, at) => {
    const known = series[name]?.[which];
    if (!known) return;
    known[0].forEach((time, index) => {
      if (time < now - span - step) return;
      if (!rows.has(time)) rows.set(time, new Array(names.length).fill(undefined));
      rows.get(time)[at] = known[column][index];
    });
  });
  const sorted = [...rows.keys()].sort((a, b) => a - b);
  return [sorted, ...names.map((_, at) => sorted.map((time) => rows.get(time)[at]))];
}

function width() {
  const [first] = $("plots").children;
  return Math.max(240, Math.floor((first ?? $("plots")).clientWidth));
}

function resize() {
  for (const chart of charts) chart.setSize({ width: width(), height: 150 });
}
