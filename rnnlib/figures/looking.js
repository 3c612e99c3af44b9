// Where an AttentionEditor's parts stand, and its parts: bars over the source, links, two translations. See attention_editor.py.

import { label } from "./chart.js";
import { clamp, fixed } from "./elements.js";
import { EOS } from "./seq2seq.js";
import { mark } from "./stage.js";

const END = "∎";
export const signOf = (translator, k) => (k === EOS ? END : translator.target.list[k]);
export const shownSign = (sign) => (sign === " " ? "␣" : sign);

// of `count` columns as many as there is room for, around the one at `centre`
function columns(count, width, least, most, centre) {
  const step = clamp(width / Math.max(1, count), least, most);
  const room = Math.max(1, Math.min(count, Math.floor(width / step)));
  const from = clamp(Math.round(centre - room / 2), 0, count - room);
  return { step, from, to: from + room, count };
}

export function layout(width, { signs, letters, step, looked }) {
  const wide = width > 560;
  const left = wide ? 62 : 0;
  const room = width - left;
  const target = columns(letters, room, wide ? 11 : 12, wide ? 34 : 18, step);
  const across = Math.max(target.step * (target.to - target.from), room / 2);
  const source = columns(signs, room, wide ? 18 : 15, clamp(across / Math.max(1, signs), wide ? 18 : 15, 90), looked);
  const bars = { top: wide ? 46 : 40, base: wide ? 120 : 98 };
  const now = wide ? 216 : 178;
  const under = now + (wide ? 84 : 68);
  const rows = wide ? 4 : 3;
  const split = wide ? Math.round(width * 0.36) : 0;
  return {
    wide,
    width,
    left,
    source,
    target,
    bars,
    now,
    before: now + (wide ? 27 : 25),
    rows,
    row: wide ? 22 : 20,
    list: { top: under, left: 0, bar: wide ? 30 : 24, full: (wide ? split : width) - (wide ? 150 : 130) },
    near: wide ? { top: under, left: split + 20 } : { top: under + rows * 20 + 26, left: 0 },
    height: wide ? under + rows * 22 + 2 : under + 2 * (rows * 20) + 30,
    x: (j) => left + (j - source.from + 0.5) * source.step,
    u: (t) => left + (t - target.from + 0.5) * target.step,
    weightAt: (y) => clamp((bars.base - y) / (bars.base - bars.top), 0, 1),
    barTop: (weight) => bars.base - weight * (bars.base - bars.top),
  };
}

export const positionAt = ({ left, source }, x) =>
  clamp(source.from + Math.floor((x - left) / source.step), 0, Math.max(0, source.count - 1));
export const stepAt = ({ left, target }, x) =>
  clamp(target.from + Math.floor((x - left) / target.step), 0, Math.max(0, target.count - 1));

// the row of weights of the chosen symbol: bars over the source's symbols, as the model has them as a ghost
export function row(place, { symbols, moment, position }) {
  const { bars, source, wide } = place;
  const marks = [
    mark("line", "base", { class: "rf-grid", x1: place.left, x2: place.width, y1: bars.base, y2: bars.base }),
  ];
  for (let j = source.from; j < source.to; j++) {
    const x = place.x(j);
    const half = Math.min(11, source.step / 2 - 1.5);
    const weight = moment?.weights[j] ?? 0;
    const own = moment?.own[j] ?? 0;
    const top = place.barTop(weight);
    marks.push(
      mark("rect", `bar${j}`, { class: "ae-bar", x: x - half, y: top, width: 2 * half, height: bars.base - top }),
    );
    if (Math.abs(own - weight) > 0.01) {
      const y = place.barTop(own);
      marks.push(mark("rect", `own${j}`, { class: "ae-own", x: x - half, y, width: 2 * half, height: bars.base - y }));
    }
    const letter = { class: `ae-sign ${j === position ? "now" : ""}`, x, y: bars.base + 20, "text-anchor": "middle" };
    marks.push(mark("text", `s${j}`, { ...letter, "font-size": wide ? 17 : 15 }, symbols[j]));
    const told = weight > 0.095 || j === position;
    if (told && (source.step > 24 || j === position || weight > 0.5))
      marks.push(
        label(`w${j}`, x, top - (j === position ? 14 : 5), percent(weight), {
          class: "ae-number",
          "text-anchor": "middle",
        }),
      );
  }
  return marks;
}

// from each symbol of the translation to where the model looked when it wrote it
export function links(place, { moments, step, edited }) {
  const { source, target, bars, now } = place;
  const marks = [];
  const [y1, y2] = [now - 3, bars.base + 27];
  const path = (t, j) => {
    const [u, x, bend] = [place.u(t), place.x(j), (y1 - y2) * 0.5];
    const r = (value) => Math.round(value * 10) / 10;
    return `M${r(u)},${y1} C${r(u)},${r(y1 - bend)} ${r(x)},${r(y2 + bend)} ${r(x)},${y2}`;
  };
  const link = (key, kind, t, j, weight) =>
    marks.push(mark("path", key, { class: `ae-link ${kind}`, d: path(t, j), "stroke-width": 0.8 + 5 * weight }));
  const seen = (j) => j >= source.from && j < source.to;
  for (let t = target.from; t < target.to; t++) {
    if (t === step) continue;
    moments[t]?.weights.forEach((weight, j) => weight > 0.2 && seen(j) && link(`l${t} ${j}`, "", t, j, 0.5 * weight));
  }
  const moment = moments[step];
  if (edited) moment?.own.forEach((weight, j) => weight > 0.1 && seen(j) && link(`o${j}`, "own", step, j, 0.2));
  moment?.weights.forEach((weight, j) => weight > 0.02 && seen(j) && link(`n${j}`, "now", step, j, weight));
  return marks;
}

// The new translation over the old one: [{ sign, kind }] each, kind "changed" where they differ, "forced" where it is given.
export function translations(place, { after, before, step, touched }) {
  const { target, wide, left, now } = place;
  const size = wide ? 16 : 14;
  const marks = [];
  const write = (key, signs, y, kind) => {
    for (let t = target.from; t < Math.min(target.to, signs.length); t++) {
      const x = place.u(t);
      const { sign, changed, forced } = signs[t];
      const box = { x: x - target.step / 2, y: y + 1, width: target.step, height: 23 };
      if (changed) marks.push(mark("rect", `${key}c${t}`, { ...box, class: `ae-changed ${kind}`, rx: 3 }));
      if (forced) marks.push(mark("rect", `${key}f${t}`, { ...box, class: "ae-forced", y: y + 21, height: 2.5 }));
      if (kind === "now" && touched.has(t))
        marks.push(mark("circle", `t${t}`, { class: "ae-touched", cx: x, cy: y - 3, r: 3 }));
      const text = { class: `ae-letter on ${kind}`, x, y: y + 18, "text-anchor": "middle", "font-size": size };
      marks.push(mark("text", `${key}${t}`, text, sign === " " ? "" : sign));
    }
  };
  write("a", after, now, "now");
  write("b", before, place.before, "old");
  if (step < after.length)
    marks.push(
      mark("rect", "chosen", {
        class: "ae-chosen",
        x: place.u(step) - target.step / 2 - 1,
        y: now,
        width: target.step + 2,
        height: 25,
        rx: 4,
      }),
    );
  if (left) {
    marks.push(label("ln", 0, now + 17, "now", { class: "rf-strong" }));
    marks.push(label("lb", 0, place.before + 17, "before"));
    marks.push(label("lw", 0, place.bars.top + 24, "where it"), label("lw2", 0, place.bars.top + 40, "looks"));
  }
  return marks;
}

// what may follow, from the likeliest down; a tick shows the share before
export function candidates(place, { best, old, chosen }) {
  const { list, row: high, wide } = place;
  const head = wide
    ? "the symbol in the frame (click one to force it)"
    : "the symbol in the frame: tap one to force it";
  const marks = [label("ch", 0, list.top - 8, head)];
  best.slice(0, place.rows).forEach(({ sign, k, p }, n) => {
    const y = list.top + n * high;
    const size = Math.max(1, p * list.full);
    const name = { class: "ae-letter rf-strong", x: 12, y: y + 16, "font-size": 15, "text-anchor": "middle" };
    marks.push(
      mark("rect", `c${k}bar`, { class: "ae-p", x: list.bar, y: y + 3, width: size, height: high - 6, rx: 3 }),
    );
    marks.push(mark("text", `c${k}name`, name, shownSign(sign)));
    marks.push(mark("text", `c${k}p`, { x: list.bar + size + 7, y: y + 16, "font-size": 12.5 }, percent(p)));
    if (old && old[k] > 0.005)
      marks.push(
        mark("rect", `c${k}old`, {
          class: "ae-tick",
          x: list.bar + old[k] * list.full - 1,
          y: y + 1,
          width: 2.5,
          height: high - 2,
        }),
      );
    if (k === chosen)
      marks.push(mark("rect", "came", { class: "ae-came", x: 1, y: y + 1, width: 22, height: high - 2, rx: 5 }));
  });
  return marks;
}

// the states of the training set that lie nearest to the present one: what was written there, and where it looked
export function neighbours(place, near) {
  const { top, left } = place.near;
  const marks = [];
  if (!near) return marks;
  const head = place.wide
    ? "nearest states of the training set: what was written there, and where it looked"
    : "nearest states of the training set";
  marks.push(label("nh", left, top - 8, head));
  const [advance, back, on] = place.wide ? [8.2, 14, 3] : [7.6, 12, 2];
  const size = place.wide ? 13.5 : 12.5;
  const at = left + (back + 0.5) * advance;
  const blank = (text) => text.replaceAll(" ", "\u00a0");
  near.slice(0, place.rows).forEach(({ entry: [before, sign, after, looked] }, n) => {
    const y = top + n * place.row;
    const text = (key, x, anchor, kind, words) => {
      const options = { class: `ae-letter ${kind}`, x, y: y + 15, "font-size": size, "text-anchor": anchor };
      marks.push(mark("text", `n${n}${key}`, options, blank(words)));
    };
    marks.push(mark("rect", `n${n}box`, { class: "ae-there", x: at, y: y + 1, width: advance + 4, height: 19, rx: 4 }));
    text("b", at - 2, "end", "rf-soft", before.slice(-back));
    text("s", at + 2 + advance / 2, "middle", "on rf-strong", shownSign(sign));
    text("a", at + advance + 6, "start", "rf-soft", after.slice(0, on));
    text("w", at + (on + 2.5) * advance, "start", "rf-soft", looked);
  });
  return marks;
}

export function percent(p) {
  if (p >= 0.005 || p === 0) return `${Math.round(100 * p)} %`;
  return p < 0.00005 ? "< 0.01 %" : `${fixed(100 * p)} %`;
}
