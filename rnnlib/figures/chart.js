// Axes and curves for a stage: linear and logarithmic scales, grids with titles, curves, bands, labels at the thing itself.

import { svg } from "./elements.js";
import { mark } from "./stage.js";

// value -> place; .invert is the other way; .ticks are the marked values
export function scale([low, high], [start, end], { log = false, ticks = [] } = {}) {
  const into = log ? Math.log : (value) => value;
  const out = log ? Math.exp : (value) => value;
  const rate = (end - start) / (into(high) - into(low));
  const place = (value) => start + (into(value) - into(low)) * rate;
  place.invert = (at) => out(into(low) + (at - start) / rate);
  place.ticks = ticks;
  place.range = [start, end];
  return place;
}

export const label = (key, x, y, text, options = {}) =>
  mark("text", key, { class: "rf-soft", x, y, "font-size": 12, ...options }, text);

const line = (key, x1, y1, x2, y2) => mark("line", key, { class: "rf-grid", x1, y1, x2, y2 });

// grid lines with numbers, and titles: that of y stands above the axis, that of x below it at the right
export function axes(
  x,
  y,
  { xTitle, yTitle, yTitleAt = y.range[1] - 12, format = String, xFormat = String, key = "axis" },
) {
  const [left, right] = x.range;
  const [bottom] = y.range;
  const marks = [];
  for (const tick of y.ticks) {
    marks.push(line(`${key}-y${tick}`, left, y(tick), right, y(tick)));
    marks.push(label(`${key}-yt${tick}`, left - 7, y(tick) + 4, format(tick), { "text-anchor": "end" }));
  }
  for (const tick of x.ticks)
    marks.push(label(`${key}-xt${tick}`, x(tick), bottom + 17, xFormat(tick), { "text-anchor": "middle" }));
  if (yTitle) marks.push(label(`${key}-yn`, 0, yTitleAt, yTitle));
  if (xTitle) marks.push(label(`${key}-xn`, right, bottom + 34, xTitle, { "text-anchor": "end" }));
  return marks;
}

const path = (points) => points.map(([x, y], n) => `${n ? "L" : "M"}${round(x)},${round(y)}`).join(" ");
const round = (value) => Math.round(value * 10) / 10;

// a curve through points; the number of points stays the same from state to state, so that it can move
export const curve = (key, points, options) => mark("path", key, { fill: "none", d: path(points), ...options });

// the band between two curves
export const band = (key, lower, upper, options) =>
  mark("path", key, { d: `${path(lower)} ${path([...upper].reverse()).replace("M", "L")} Z`, ...options });

// an arrow with a head, which starts and ends `gap` away from the two points
export function arrow(key, [x1, y1], [x2, y2], { gap = 0, gapEnd = gap, head = 8, ...options }) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  const size = Math.min(head, length);
  const [ex, ey] = [x2 - dx * gapEnd, y2 - dy * gapEnd];
  const [bx, by] = [ex - dx * size, ey - dy * size];
  const wing = size * 0.48;
  const [sx, sy] = [x1 + dx * gap, y1 + dy * gap];
  const d = [
    `M${round(sx)},${round(sy)} L${round(bx)},${round(by)}`,
    `M${round(bx - dy * wing)},${round(by + dx * wing)}`,
    `L${round(ex)},${round(ey)} L${round(bx + dy * wing)},${round(by - dx * wing)} Z`,
  ].join(" ");
  return mark("path", key, { "stroke-linejoin": "round", ...options, d });
}

// a ring around which a handle's grip can be seen
export const knob = (radius, kind = "") => svg("circle", { class: `rf-knob ${kind}`, r: radius });
