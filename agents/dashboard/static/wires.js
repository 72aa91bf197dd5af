// The wires between cards, drawn behind them.

import { svg } from "./dom.js";

const TITLE_PX = 34; // where the name of an exit stands
const RAIL_PX = 12; // beside the cards, where they stand one below the other
const TURN_PX = 10;
const wires = document.querySelector(".wires");

// `lines`: from where to where, how it looks, and whether it ends beside a title.
export function draw(lines, stations) {
  const frame = stations.getBoundingClientRect();
  wires.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  // What carries lies on top.
  const sorted = [...lines].sort((a, b) => (a.look === "flow") - (b.look === "flow"));
  while (wires.children.length > sorted.length) wires.lastChild.remove();
  while (wires.children.length < sorted.length) wires.append(svg("path"));
  sorted.forEach(({ from, to, look, title }, at) => {
    const ends = [box(from, frame), box(to, frame)];
    wires.children[at].setAttribute("d", path(...ends, title ? TITLE_PX : Infinity, frame.width));
    wires.children[at].setAttribute("class", look);
  });
}

function box(node, frame) {
  const { left, top, width, height } = node.getBoundingClientRect();
  return { x: left - frame.left, y: top - frame.top, width, height };
}

// Beside each other: from side to side, to the middle or so far below the top. One below the
// other: straight down, or along the edge, beside the cards that stand between.
function path(a, b, below, width) {
  const end = b.y + Math.min(b.height / 2, below);
  if (b.x >= a.x + a.width) {
    const [x1, y1, x2] = [a.x + a.width, a.y + a.height / 2, b.x];
    const bend = (x2 - x1) / 2;
    return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${end} ${x2},${end}`;
  }
  const bottom = a.y + a.height;
  if (b.x > a.x) {
    const x = a.x + RAIL_PX;
    return `M${x},${bottom} V${end - TURN_PX} Q${x},${end} ${x + TURN_PX},${end} H${b.x}`;
  }
  if (a.x + a.width < width - 1) {
    const [x, y] = [width - RAIL_PX, a.y + a.height / 2];
    return `M${a.x + a.width},${y} H${x - TURN_PX} Q${x},${y} ${x},${y + TURN_PX} V${b.y}`;
  }
  const x = a.x + RAIL_PX;
  return `M${x},${bottom} V${b.y}`;
}
