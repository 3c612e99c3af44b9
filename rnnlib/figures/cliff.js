// The drawing of ClippingCliff: the map of the loss with two descents, their gradient norms and losses.

import { axes, label, scale } from "./chart.js";
import { fixed } from "./elements.js";
import { mark } from "./stage.js";
import { UPDATES } from "./unit.js";

export const WIDTH = [0.2, 3.2]; // of w in the map
export const DEPTH = 1.1; // of b, to both sides
const SPAN = WIDTH[1] - WIDTH[0];
const FAR = 4000; // pixels: where a point outside the map is drawn at most
const RATES = [0.02, 2];
const POWERS = { "-4": "10⁻⁴", "-2": "10⁻²", 0: "1", 2: "10²", 4: "10⁴" };
const power = (value) => POWERS[Math.round(Math.log10(value))];

export function layout(width) {
  const wide = width > 560;
  const unit = wide ? 138 : (width - 22) / SPAN;
  const [left, top] = wide ? [30, 6] : [20, 46];
  const map = { left, top, right: left + SPAN * unit, bottom: top + 2 * DEPTH * unit };
  const start = wide ? map.right + 66 : 30;
  const half = wide ? width - 12 : width / 2 - 8;
  const other = wide ? start : width / 2 + 34;
  const under = map.bottom + 52;
  const rows = wide ? [78, 170, 206, map.bottom] : [under, under + 62, under, under + 62];
  const x = (from, to) => scale([0, UPDATES], [from, to], { ticks: wide ? [0, 10, 20, 30, 40] : [0, 20, 40] });
  const y = (low, high, n, ticks) => scale([low, high], [rows[n + 1], rows[n]], { log: true, ticks });
  return {
    wide,
    width,
    unit,
    map,
    at: (w, b) => [left + (w - WIDTH[0]) * unit, top + (DEPTH - b) * unit],
    value: (px, py) => [WIDTH[0] + (px - left) / unit, DEPTH - (py - top) / unit],
    norm: { x: x(start, half), y: y(1e-4, 1e4, 0, [1e-4, 1, 1e4]) },
    loss: { x: x(other, width - 12), y: y(1e-4, 1, 2, [1e-4, 1e-2, 1]) },
    height: wide ? map.bottom + 38 : under + 82,
    reach: wide ? [32, 34] : [28, 20], // of the lever: shortest, and pixels per factor of ten
  };
}

// ---- the map --------------------------------------------------------------------------------------------------------

// how far from the start the lever's knob is, and back
export const pulled = ({ reach }, rate) => reach[0] + reach[1] * Math.log10(rate / RATES[0]);
export const rateAt = ({ reach }, distance) => RATES[0] * 10 ** ((distance - reach[0]) / reach[1]);

// Where the lever points: uphill from the start, or as little aside of it as lets it stay in the map.
export function uphill({ map, at, reach }, { start, slope: { dw, db } }) {
  const [x, y] = at(start.w, start.b);
  const angle = Math.atan2(-db, dw);
  const longest = reach[0] + 2 * reach[1] + 8;
  for (const turn of [0, 45, -45, 90, -90, 135, -135, 180]) {
    const [dx, dy] = [Math.cos(angle + (turn * Math.PI) / 180), Math.sin(angle + (turn * Math.PI) / 180)];
    const [ex, ey] = [x + dx * longest, y + dy * longest];
    if (ex > map.left && ex < map.right && ey > map.top && ey < map.bottom) return [dx, dy];
  }
  return [1, 0];
}

export function leverAt(place, state) {
  const [x, y] = place.at(state.start.w, state.start.b);
  const [dx, dy] = uphill(place, state);
  const distance = pulled(place, state.rate);
  return [x + dx * distance, y + dy * distance];
}

// the points of a descent up to `step`, as many of them as ever
function spots(place, path, step) {
  const { map } = place;
  const centre = [(map.left + map.right) / 2, (map.top + map.bottom) / 2];
  return path.map((_, n) => {
    const { w, b } = path[Math.min(n, step)];
    const [x, y] = place.at(w, b);
    const away = Math.hypot(x - centre[0], y - centre[1]);
    const share = Math.min(1, FAR / away);
    return [centre[0] + (x - centre[0]) * share, centre[1] + (y - centre[1]) * share];
  });
}

const round = (value) => Math.round(value * 10) / 10;
const joined = (list) => list.map(([x, y], n) => `${n ? "L" : "M"}${round(x)},${round(y)}`).join(" ");
const dotted = (list) => list.map(([x, y]) => `M${round(x)},${round(y)} h0.01`).join(" ");

export const outside = ({ w, b }) => w < WIDTH[0] || w > WIDTH[1] || Math.abs(b) > DEPTH;

// where the first segment that leaves the map crosses its border, and the update after which it does
function exit(place, path, step) {
  const n = path.findIndex((point, k) => k > 0 && k <= step && outside(point) && !outside(path[k - 1]));
  if (n < 0) return null;
  const [[x1, y1], [x2, y2]] = [place.at(path[n - 1].w, path[n - 1].b), place.at(path[n].w, path[n].b)];
  const { left, right, top, bottom } = place.map;
  const shares = [
    (left - x1) / (x2 - x1),
    (right - x1) / (x2 - x1),
    (top - y1) / (y2 - y1),
    (bottom - y1) / (y2 - y1),
  ];
  const share = Math.min(1, ...shares.filter((value) => value > 0));
  return { x: x1 + (x2 - x1) * share, y: y1 + (y2 - y1) * share, to: path[n] };
}

export function landscape(place, state) {
  const { map, at, wide, unit } = place;
  const { free, kept, step, ghost, rate, threshold, clip, start } = state;
  const inside = { "clip-path": place.clip };
  const marks = [];
  const border = { x: map.left, y: map.top, width: map.right - map.left, height: map.bottom - map.top };
  marks.push(mark("rect", "border", { class: "cc-border", ...border }));
  for (const [name, path] of Object.entries(ghost ?? {}))
    marks.push(mark("path", `ghost ${name}`, { class: "cc-path ghost", d: joined(spots(place, path, UPDATES)), ...inside }));
  for (const [name, path] of [
    ["free", free],
    ["kept", kept],
  ]) {
    const list = spots(place, path, step);
    marks.push(mark("path", name, { class: `cc-path ${name}`, d: joined(list), ...inside }));
    marks.push(mark("path", `${name} dots`, { class: `cc-dots ${name}`, d: dotted(list), ...inside }));
  }
  // how far one clipped update can go from where the descent stands
  const [kx, ky] = at(kept[step].w, kept[step].b);
  const far = rate * threshold * unit;
  const round = clip === "norm" ? far : 0;
  marks.push(
    mark("rect", "allowed", {
      class: "cc-allowed",
      x: kx - far,
      y: ky - far,
      width: 2 * far,
      height: 2 * far,
      rx: round,
      ...inside,
    }),
  );
  for (const [name, path] of [
    ["free", free],
    ["kept", kept],
  ]) {
    const [x, y] = spots(place, path, step)[step];
    marks.push(mark("circle", `${name} now`, { class: `cc-now ${name}`, cx: x, cy: y, r: 6, ...inside }));
  }
  const size = { "font-size": wide ? 12.5 : 11.5 };
  const left = exit(place, free, step);
  if (left) {
    const end = left.x > (map.left + map.right) / 2;
    const y = Math.min(map.bottom - 8, Math.max(map.top + 16, left.y + (left.y < map.top + 20 ? 16 : 4)));
    const text = `to (${fixed(left.to.w, 0)}, ${fixed(left.to.b, 0)})`;
    marks.push(
      label("exit", left.x + (end ? -12 : 12), y, text, { ...size, class: "cc-free", "text-anchor": end ? "end" : "start" }),
    );
  }
  // the lever
  const [sx, sy] = at(start.w, start.b);
  const [lx, ly] = leverAt(place, state);
  const [dx, dy] = uphill(place, state);
  marks.push(mark("line", "lever", { class: "cc-lever", x1: sx, y1: sy, x2: lx, y2: ly }));
  for (const tick of [0.02, 0.2, 2]) {
    const [x, y] = [sx + dx * pulled(place, tick), sy + dy * pulled(place, tick)];
    const across = { x1: x - dy * 4, y1: y + dx * 4, x2: x + dy * 4, y2: y - dx * 4 };
    marks.push(mark("line", `tick${tick}`, { class: "cc-tick", ...across }));
  }
  const below = dy > 0.3 && ly + 24 < map.bottom;
  const middle = Math.min(map.right - 36, Math.max(map.left + 36, lx));
  const name = { ...size, class: "cc-ink", "text-anchor": "middle" };
  marks.push(label("ratet", middle, ly + (below ? 23 : -14), `rate ${fixed(rate)}`, name));
  return [...marks, ...frame(place)];
}

function frame({ map, at, wide }) {
  const marks = [];
  for (const w of [1, 2, 3])
    marks.push(label(`w${w}`, at(w, 0)[0], map.bottom + 16, `${w}`, { "text-anchor": "middle" }));
  for (const b of [-1, 0, 1])
    marks.push(label(`b${b}`, map.left - 6, at(0, b)[1] + 4, fixed(b, 0), { "text-anchor": "end" }));
  marks.push(
    label("wn", map.right, map.bottom + (wide ? 32 : 16), wide ? "recurrent weight w" : "w", { "text-anchor": "end" }),
    label("bn", map.left - 6, at(0, 0.5)[1] + 4, "b", { "text-anchor": "end" }),
  );
  const text = { class: "cc-ink", "text-anchor": "end", "font-size": wide ? 12.5 : 11 };
  const [right] = at(wide ? 3.1 : 3.15, 0);
  marks.push(
    label("low", right, at(0, 0)[1] + 4, "both bits kept", text),
    label("high", right, at(0, 0.88)[1] + 4, "one bit lost", text),
    label("wall", right, at(0, -0.76)[1] + 4, "wall", text),
  );
  return marks;
}

// ---- over the updates -----------------------------------------------------------------------------------------------

const held = (value, [low, high]) => Math.min(high, Math.max(low, value));

function curveOf({ x, y }, path, step, what, limits) {
  return joined(path.map((_, n) => [x(Math.min(n, step)), y(held(path[Math.min(n, step)][what], limits))]));
}

export const thresholdAt = ({ norm }, threshold) => [norm.x.range[1], norm.y(threshold)];

export function courses(place, { free, kept, step, ghost, threshold }) {
  const { wide } = place;
  const marks = [];
  for (const [name, chart, limits, title] of [
    ["norm", place.norm, [1e-4, 1e4], wide ? "norm of the gradient, before it is clipped" : "norm of the gradient"],
    ["L", place.loss, [1e-4, 1], "loss"],
  ]) {
    const { x, y } = chart;
    const low = wide && name === "norm";
    marks.push(
      ...axes(x, y, {
        key: name,
        format: power,
        xFormat: low ? () => "" : String,
        xTitle: low ? "" : wide ? "update" : "",
      }),
      label(`${name}n`, wide ? x.range[0] - 30 : x.range[0] - 30, y.range[1] - 10, title),
    );
    for (const [which, path] of Object.entries(ghost ?? {}))
      marks.push(mark("path", `${name} ghost ${which}`, { class: "cc-line ghost", d: curveOf(chart, path, UPDATES, name, limits) }));
    if (ghost && name === "L") {
      const point = [x(24), y(held(ghost.kept[24].L, limits))];
      const high = point[1] < y.range[1] + 24;
      marks.push(label("before", point[0], point[1] + (high ? 16 : -7), "before", { class: "cc-before" }));
    }
    marks.push(mark("line", `${name} cursor`, { class: "cc-cursor", x1: x(step), x2: x(step), y1: y.range[1], y2: y.range[0] }));
    for (const [which, path] of [
      ["free", free],
      ["kept", kept],
    ]) {
      marks.push(mark("path", `${name} ${which}`, { class: `cc-line ${which}`, d: curveOf(chart, path, step, name, limits) }));
      const value = held(path[step][name], limits);
      marks.push(mark("circle", `${name} ${which} now`, { class: `cc-now ${which}`, cx: x(step), cy: y(value), r: 4 }));
    }
  }
  const { x, y } = place.norm;
  const at = y(threshold);
  marks.push(mark("line", "threshold", { class: "cc-threshold", x1: x.range[0], x2: x.range[1], y1: at, y2: at }));
  const text = wide ? `threshold ${fixed(threshold)}` : fixed(threshold);
  marks.push(
    label("thresholdt", x.range[1] - 16, at - 7, text, { class: "cc-kept", "text-anchor": "end", "font-size": wide ? 12.5 : 11.5 }),
  );
  return marks;
}
