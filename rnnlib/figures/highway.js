// The drawing of GradientHighway: a row of letters, and for each network a lane in which its gradient runs back.

import { curve, label, scale } from "./chart.js";
import { clamp, fixed, visible } from "./elements.js";
import { mark } from "./stage.js";

const LOWEST = 1e-6; // of the logarithmic axis
const TENTH = 0.1;
const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SEEN = 29; // letters on a phone

export const percent = (p) => `${Math.round(100 * p)} %`;
export const share = (value) =>
  value === 0 ? "0" : value >= 0.0995 ? fixed(value, 2) : value >= 0.00095 ? fixed(value, 3) : power(value);
const power = (value) => {
  let exponent = Math.floor(Math.log10(value));
  let digit = Math.round(value / 10 ** exponent);
  if (digit === 10) [digit, exponent] = [1, exponent + 1];
  return `${digit}·10⁻${[...String(-exponent)].map((d) => POWERS[d]).join("")}`;
};

// the farthest step back, counted from the last state, at which a tenth or more arrives
export const reach = ({ norm }) => norm.length - 1 - norm.findIndex((value) => value >= TENTH);

// whether a part points against the whole somewhere, so that it is drawn below zero
export const against = ({ norm, direct }) => norm.some((value, k) => Math.min(direct[k], value - direct[k]) < -0.02);

// how high the bands stand
export const highest = ({ norm, direct }) =>
  Math.max(...norm.map((value, k) => Math.max(value, direct[k], value - direct[k])));

// of all that arrives before the last state, which share the direct path brings
export function directShare({ norm, direct }) {
  const sum = (list) => list.slice(0, -1).reduce((total, value) => total + value, 0);
  return norm.length > 1 && sum(norm) ? sum(direct) / sum(norm) : 0;
}

// `columns` is the number of letters, the line break before the text included; `first` the first one on a phone
export function layout(width, columns, lanes, first) {
  const wide = width > 560;
  const seen = wide ? columns : Math.min(columns, SEEN);
  const left = wide ? 40 : 26;
  const pitch = Math.min((width - left - 6) / seen, wide ? 22 : 16);
  const start = wide ? 0 : clamp(first, 0, columns - seen);
  const letters = wide ? 48 : 44;
  const top = letters + 22;
  const each = wide ? 98 : 92;
  const height = top + lanes * each + 2;
  const place = { wide, width, columns, seen, left, pitch, start, letters, top, each, height };
  place.x = (k) => left + (k - start + 0.5) * pitch;
  place.at = (x) => Math.round((x - left) / pitch - 0.5) + start;
  place.lane = (n) => [top + n * each + 22, top + (n + 1) * each - 12];
  place.shows = (k) => k >= start && k < start + seen;
  return place;
}

// the row of letters: what is read, and the one whose prediction is the loss
export function letters(place, text, loss) {
  const marks = [];
  for (let k = place.start; k < place.start + place.seen; k++) {
    const kind = k === loss ? "loss" : k < loss ? "read" : "";
    marks.push(
      mark(
        "text",
        `letter${k}`,
        {
          class: `gh-letter ${kind}`,
          x: place.x(k),
          y: place.letters,
          "font-size": place.wide ? 15 : 13,
          "text-anchor": "middle",
        },
        k === 0 ? "⏎" : visible(text[k - 1]),
      ),
    );
  }
  return marks;
}

const round = (value) => Math.round(value * 10) / 10;

// a column for each letter, from `low` to `high`, as one path with as many points in every state
function columns(key, place, y, low, high, options) {
  const half = Math.max(1.5, place.pitch / 2 - 1);
  const parts = [];
  for (let k = place.start; k < place.start + place.seen; k++) {
    const [from, to] = [low[k] ?? 0, high[k] ?? 0];
    const [x, a, b] = [place.x(k), y(from), y(to)];
    parts.push(
      `M${round(x - half)},${round(a)} L${round(x - half)},${round(b)} L${round(x + half)},${round(b)} L${round(x + half)},${round(a)} Z`,
    );
  }
  return mark("path", key, { ...options, d: parts.join(" ") });
}

// the outline of such columns
function outline(key, place, y, values, options) {
  const points = [];
  for (let k = place.start; k < place.start + place.seen; k++)
    for (const side of [-0.5, 0.5]) {
      const at = Math.min(k, values.length - 1);
      points.push([place.x(at) + (k > at ? 0.5 : side) * place.pitch, y(values[at])]);
    }
  return curve(key, points, options);
}

// bands that add up; what points against the whole lies below zero
function bands(key, place, y, { norm, direct }) {
  const last = norm.length - 1;
  const rest = norm.map((value, k) => value - direct[k]);
  const up = direct.map((value) => Math.max(0, value));
  const top = norm.map((_, k) => up[k] + Math.max(0, rest[k]));
  const down = norm.map((_, k) => Math.min(0, direct[k]) + Math.min(0, rest[k]));
  const own = (list, mine) => list.map((value, k) => ((k === last) === mine ? value : 0));
  const zero = norm.map(() => 0);
  return [
    columns(`${key}direct`, place, y, zero, own(up, false), { class: "gh-band direct" }),
    columns(`${key}rest`, place, y, own(up, false), own(top, false), { class: "gh-band gates" }),
    columns(`${key}against`, place, y, zero, down, { class: "gh-band against" }),
    columns(`${key}own`, place, y, zero, own(norm, true), { class: "gh-band own" }),
  ];
}

// A curve of norms on a logarithmic axis. The number of points is that of the letters: those after the loss lie on the last
// one, and those before the curve falls below the axis lie where it does.
function norms(key, place, y, list, options) {
  const points = [];
  let at = null;
  for (let k = place.start + place.seen - 1; k >= place.start; k--) {
    const last = Math.min(k, list.length - 1);
    if (!at || at[2] > LOWEST) at = [place.x(last), y(Math.max(LOWEST, list[last])), list[last]];
    points.unshift(at);
  }
  return curve(key, points, options);
}

// one network's lane; `most` is the end of the linear axis, the same in all lanes
export function lane(n, place, { name, gated, result, ghost, ghostName, far, probe, most, notes }) {
  const key = `lane${n}`;
  const [top, bottom] = place.lane(n);
  const right = place.left + place.seen * place.pitch;
  const y = far ? scale([LOWEST, 3], [bottom, top], { log: true }) : scale([-0.08 * most, most], [bottom, top]);
  const least = (value) => y(far ? Math.max(LOWEST, value) : value);
  const loss = result.norm.length - 1;
  const at = place.x(loss + 1);
  const marks = [mark("line", `${key}loss`, { class: "gh-lossline", x1: at, x2: at, y1: top, y2: bottom })];
  for (const tick of far
    ? [1, 1e-3, 1e-6]
    : most > 2.2
      ? [0, 1, Math.floor(most)]
      : most > 1.6
        ? [0, 1]
        : [0, 0.5, 1]) {
    marks.push(
      mark("line", `${key}g${tick}`, {
        class: tick ? "rf-grid" : "gh-zero",
        x1: place.left,
        x2: right,
        y1: y(tick),
        y2: y(tick),
      }),
    );
    const text = far && tick < 1 ? `10⁻${POWERS[-Math.round(Math.log10(tick))]}` : tick === 0.5 ? ".5" : String(tick);
    marks.push(label(`${key}t${tick}`, place.left - 6, y(tick) + 4, text, { "text-anchor": "end", "font-size": 12 }));
  }
  if (far) {
    marks.push(norms(`${key}ghost`, place, y, ghost.norm, { class: "gh-ghost" }));
    if (gated) marks.push(norms(`${key}alone`, place, y, result.alone, { class: "gh-line direct" }));
    marks.push(norms(`${key}total`, place, y, result.norm, { class: "gh-line total" }));
  } else {
    marks.push(...bands(key, place, y, result));
    marks.push(outline(`${key}outline`, place, y, ghost.norm, { class: "gh-ghost" }));
  }
  marks.push(
    mark(
      "text",
      `${key}name`,
      { class: "gh-name rf-strong", x: place.left, y: top - 8, "font-size": place.wide ? 14 : 13 },
      name,
    ),
    ...notes.map(({ text, kind, x }) =>
      label(`${key}${kind}note`, place.left + x, top - 8, text, { class: `gh-note ${kind}`, "font-size": 12 }),
    ),
  );
  if (probe < loss && place.shows(probe)) {
    const value = result.norm[probe];
    const ghostText = place.wide && ghostName ? `  (${ghostName}: ${share(ghost.norm[probe])})` : "";
    const text = `${share(value)}${ghostText}`;
    const width = text.length * 6.6 + 8;
    const toLeft = place.x(probe) - place.left > width + 8;
    const x = toLeft ? place.x(probe) - 8 : place.x(probe) + 8;
    const level = clamp(least(value) - 10, top + 13, bottom - 16);
    marks.push(
      mark("line", `${key}probe`, {
        class: "gh-probe",
        x1: place.x(probe),
        x2: place.x(probe),
        y1: top,
        y2: bottom + 10,
      }),
      mark("rect", `${key}ground`, {
        class: "gh-ground",
        x: toLeft ? x - width + 4 : x - 4,
        y: level - 12,
        width,
        height: 16,
        rx: 3,
      }),
      mark("circle", `${key}dot`, { class: "gh-dot", cx: place.x(probe), cy: least(value), r: 4 }),
      mark(
        "text",
        `${key}value`,
        { class: "gh-value", x, y: level, "font-size": 12, "text-anchor": toLeft ? "end" : "start" },
        text,
      ),
    );
  }
  return marks;
}
