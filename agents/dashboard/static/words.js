// Numbers and moments as people read them.

const UNITS = ["B", "KB", "MB", "GB", "TB"];

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 10 && unit ? 1 : 0)} ${UNITS[unit]}`;
}

export function rate(bitsPerSecond) {
  if (bitsPerSecond === null || bitsPerSecond === undefined) return "–";
  if (bitsPerSecond < 1e6) return `${(bitsPerSecond / 1e3).toFixed(0)} kbit/s`;
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

// Says numbers of an axis, `scale` times as large, with their unit.
export function ends(unit, scale = 1) {
  return (value) => `${Number((value * scale).toPrecision(3))} ${unit}`;
}

export function millis(value) {
  if (value === null || value === undefined) return "–";
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function share(value) {
  if (value === null || value === undefined) return "–";
  return `${(100 * value).toFixed(value && value < 0.1 ? 1 : 0)} %`;
}

export function since(unix, now = Date.now() / 1000) {
  if (!unix) return "never";
  const seconds = Math.max(0, now - unix);
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

// The time of day, and the day if it is another one.
export function moment(unix, now = new Date()) {
  const then = new Date(unix * 1000);
  const clock = then.toLocaleTimeString([], { hour12: false });
  if (then.toDateString() === now.toDateString()) return clock;
  return `${then.toLocaleDateString([], { day: "numeric", month: "short" })} ${clock}`;
}
