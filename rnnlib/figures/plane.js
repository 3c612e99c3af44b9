// The drawing of SpectralLab: eigenvalues and singular values in the plane, and the norms over the distance k.

import { axes, label, scale } from "./chart.js";
import { fixed } from "./elements.js";
import { mark } from "./stage.js";

const LONGEST = 60;
const [LOW, HIGH] = [1e-5, 1e3];
const RAY = (-38 * Math.PI) / 180; // on it the singular values stand
const ACROSS = (146 * Math.PI) / 180;
const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const power = (value) => {
  const exponent = Math.round(Math.log10(value));
  return `10${exponent < 0 ? "⁻" : ""}${POWERS[Math.abs(exponent)]}`;
};

export function layout(width, reach) {
  const wide = width > 560;
  const size = wide ? 340 : 184;
  const unit = size / 2 / reach;
  const centre = wide ? [size / 2, 18 + size / 2] : [width / 2, size / 2 + 2];
  const left = wide ? size + 76 : 34;
  const top = wide ? 78 : size + 46;
  const bottom = wide ? size - 16 : top + 104;
  return {
    wide,
    width,
    size,
    reach,
    unit,
    centre,
    frame: wide ? [0, 18, size, size] : [0, 2, width, size],
    x: scale([0, LONGEST], [left, width - (wide ? 14 : 10)], { ticks: [0, 10, 20, 30, 40, 50, 60] }),
    y: scale([LOW, HIGH], [bottom, top], { log: true, ticks: wide ? [1e-4, 1e-2, 1, 1e2] : [1e-4, 1, 1e2] }),
    top,
    bottom,
    at: ({ re, im }) => [centre[0] + re * unit, centre[1] - im * unit],
    value: (px, py) => ({ re: (px - centre[0]) / unit, im: (centre[1] - py) / unit }),
    on: (radius, angle) => [
      centre[0] + radius * unit * Math.cos(angle),
      centre[1] - radius * unit * Math.sin(angle),
    ],
    height: bottom + 40,
  };
}

// where the handle of the ring ‖W‖ stands: at the edge of the plane if the ring is larger
export const ringAt = (place, largest) => place.on(Math.min(largest, place.reach * 0.97), RAY);

const ring = (place, key, radius, kind) =>
  mark("circle", key, {
    class: `sl-ring ${kind}`,
    cx: place.centre[0],
    cy: place.centre[1],
    r: Math.max(0, radius) * place.unit,
    "clip-path": place.clip,
  });

// the mean growth per step over k steps
export const perStep = (result, k) => (k ? result.norms[k] ** (1 / k) : 1);

export function disc(place, result, ghost, k) {
  const { unit, centre, wide, reach } = place;
  const [cx, cy] = centre;
  const edge = reach * unit;
  const marks = [
    ring(place, "all", result.sigma[0], "inside"),
    mark("line", "re", { class: "rf-grid", x1: cx - edge, x2: cx + edge, y1: cy, y2: cy }),
    mark("line", "im", { class: "rf-grid", x1: cx, x2: cx, y1: cy - edge, y2: cy + edge }),
    ring(place, "one", 1, "one"),
    ring(place, "rho", result.rho, "rho"),
    ring(place, "norm", result.sigma[0], "norm"),
    ring(place, "growth", perStep(result, k), "growth"),
  ];
  const [rx, ry] = ringAt(place, result.sigma[0]);
  marks.push(mark("line", "ray", { class: "sl-ray", x1: cx, y1: cy, x2: rx, y2: ry }));
  result.sigma.forEach((value, n) => {
    const [x, y] = place.on(Math.min(value, reach * 0.97), RAY);
    marks.push(mark("rect", `sigma${n}`, { class: "sl-sigma", x: x - 3, y: y - 3, width: 6, height: 6 }));
  });
  const before = ghost?.values ?? result.values;
  result.values.forEach((value, n) => {
    for (const side of value.im > 0 || before[n].im > 0 ? [1, -1] : [1]) {
      const [x, y] = place.at({ re: before[n].re, im: side * before[n].im });
      const [nx, ny] = place.at({ re: value.re, im: side * value.im });
      marks.push(mark("line", `was${n}${side}`, { class: "sl-was", x1: x, y1: y, x2: nx, y2: ny }));
      marks.push(mark("circle", `old${n}${side}`, { class: "sl-old", cx: x, cy: y, r: 5 }));
    }
    if (value.im > 0) {
      const [x, y] = place.at({ re: value.re, im: -value.im });
      marks.push(mark("circle", `twin${n}`, { class: "sl-twin", cx: x, cy: y, r: 5 }));
    }
  });
  const [gx, gy] = place.on(Math.min(perStep(result, k), reach * 0.8), ACROSS);
  const [ox, oy] = place.on(1, (100 * Math.PI) / 180);
  const small = { "font-size": wide ? 12.5 : 11.5 };
  marks.push(
    label("onet", ox, oy + 4, "1", { ...small, "text-anchor": "end" }),
    label("rhot", cx - 5, cy + result.rho * unit - 6, `ρ = ${fixed(result.rho)}`, {
      ...small,
      class: "sl-rho",
      "text-anchor": "end",
    }),
    label("normt", rx + 13, ry + 5, `‖W‖ = ${fixed(result.sigma[0])}`, { ...small, class: "sl-norm rf-strong" }),
    label("growtht", Math.max(0, gx - (wide ? 70 : 92)), gy - 8, k ? `×${fixed(perStep(result, k))} per step` : "", {
      ...small,
      class: "sl-growth rf-strong",
    }),
    label("lambda", ...nameAt(place, result), wide ? "eigenvalues λ" : "λ", { ...small, class: "sl-rho" }),
    label("sigmat", cx + (rx - cx) * 0.5 - 6, cy + (ry - cy) * 0.5 + 12, wide ? "singular values σ" : "σ", {
      ...small,
      class: "sl-norm",
      "text-anchor": "end",
    }),
  );
  return marks;
}

// beside the eigenvalue that stands highest
function nameAt({ at, wide }, { values }) {
  const highest = values.reduce((best, value) => (value.im > best.im ? value : best));
  const [x, y] = at(highest);
  return [x + (wide ? 8 : 10), y - 12];
}

// ---- the norms over the distance ------------------------------------------------------------------------------------

// points of a curve of T + 1 values, cut where it leaves the frame, and as many of them whatever T is
function points({ x, y }, values) {
  const found = [];
  let gone = null;
  for (let k = 0; k <= LONGEST; k++) {
    const value = values[Math.min(k, values.length - 1)];
    const at = Math.min(k, values.length - 1);
    if (gone) {
      found.push(gone);
      continue;
    }
    if (value >= LOW && value <= HIGH) {
      found.push([x(at), y(value)]);
      continue;
    }
    const edge = value < LOW ? LOW : HIGH;
    const from = Math.log(values[at - 1]);
    const share = value === 0 ? 0.05 : (Math.log(edge) - from) / (Math.log(value) - from);
    gone = [x(at - 1 + share), y(edge)];
    found.push(gone);
  }
  return found;
}

const path = (list) => list.map(([x, y], n) => `${n ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

const line = (place, key, values, kind) =>
  mark("path", key, { class: `sl-line ${kind}`, d: path(points(place, values)) });

const powers = (base, T) => Array.from({ length: T + 1 }, (_, k) => base ** k);

// where a label can stand beside the line base^k: at a third of what of it can be seen
function beside(place, base, T, share) {
  const rate = Math.log(base);
  const last = rate === 0 ? T : Math.min(T, (rate > 0 ? Math.log(HIGH) : Math.log(LOW)) / rate);
  const k = last * share;
  return [place.x(k), place.y(base ** k)];
}

export function chart(place, result, ghost, k) {
  const { x, y, top, bottom, wide } = place;
  const { norms, gamma, sigma, rho, T } = result;
  const bound = gamma * sigma[0];
  const marks = axes(x, y, {
    xTitle: wide ? "distance k: how many steps the gradient has gone back" : "distance k, in steps back",
    format: power,
  });
  marks.push(mark("line", "oneline", { class: "sl-unity", x1: x(0), x2: x(LONGEST), y1: y(1), y2: y(1) }));
  if (ghost) {
    const at = points(place, ghost.norms)[LONGEST];
    marks.push(line(place, "ghost", ghost.norms, "ghost"));
    marks.push(label("ghostt", at[0] + 5, Math.min(at[1] + 4, bottom - 4), "before", { class: "sl-before" }));
  }
  marks.push(line(place, "rhok", powers(rho, T), "rho"));
  marks.push(line(place, "bound", powers(bound, T), "norm"));
  marks.push(line(place, "norms", norms, "growth"));
  marks.push(mark("line", "end", { class: "sl-end", x1: x(T), x2: x(T), y1: top, y2: bottom }));
  const [bx, by] = beside(place, bound, T, bound > 1 ? 0.86 : 0.6);
  const [px, py] = beside(place, rho, T, rho > 1 ? 0.7 : 0.75);
  const size = { "font-size": wide ? 12.5 : 11.5 };
  const name = wide ? `bound (γ‖W‖)^k = ${fixed(bound)}^k` : `bound ${fixed(bound)}^k`;
  marks.push(
    label("boundt", bx + 9, Math.min(by + (bound > 1 ? 6 : 14), bottom - 6), superscript(name), { ...size, class: "sl-norm" }),
    label("rhokt", px - 6, Math.min(py + 18, bottom - 6), superscript(`ρ^k = ${fixed(rho)}^k`), {
      ...size,
      class: "sl-rho",
      "text-anchor": "end",
    }),
  );
  const [kx, ky] = [x(k), y(Math.min(HIGH, Math.max(LOW, norms[k] || LOW)))];
  marks.push(
    mark("line", "drop", { class: "sl-drop", x1: kx, x2: kx, y1: ky, y2: bottom }),
    label("kt", kx + 10, Math.max(ky - 10, top + 4), `${shown(norms[k])} ≤ ${shown(bound ** k)}`, { ...size, class: "sl-growth rf-strong" }),
    label("tt", x(T) + 6, top + 8, `T = ${T}`, { class: "sl-T", ...(T > 50 ? { "text-anchor": "end", x: x(T) - 6 } : {}) }),
  );
  return marks;
}

const superscript = (text) => text.replace(/\^k/g, "ᵏ");

// a number with two digits that count
export function shown(value) {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(value));
  if (exponent >= -3 && exponent < 4) return fixed(Number(value.toPrecision(2)), Math.max(0, 1 - exponent));
  const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => POWERS[digit]);
  return `${fixed(value / 10 ** exponent, 1)}·10${exponent < 0 ? "⁻" : ""}${digits}`;
}

// what the measured curve does, in a few words
export function finding({ norms, T }) {
  const top = norms.reduce((best, value, k) => (value > norms[best] * (1 + 1e-9) ? k : best), 0);
  const dead = norms.indexOf(0);
  const end = dead >= 0 ? `exactly 0 from k = ${dead}` : `${shown(norms[T])} at k = ${T}`;
  if (norms[top] < 1.005) return ["only fades", end];
  if (top === T) return ["grows all the way", end];
  return [`grows ${shown(norms[top])}-fold in ${top} ${top === 1 ? "step" : "steps"}, then fades`, end];
}
