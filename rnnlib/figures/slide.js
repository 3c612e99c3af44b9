// What stands in the picture of the microscope, and where: text, lanes of units, expected characters, places found.

import { label } from "./chart.js";
import { clamp, fixed, visible } from "./elements.js";
import { mark } from "./stage.js";

export const GATE_NAMES = {
  state: "state",
  z: "update gate z",
  r: "reset gate r",
  n: "candidate n",
  f: "forget gate f",
  i: "input gate i",
  o: "output gate o",
  g: "candidate g",
};

export const signed = (gate) => gate === "state" || gate === "n" || gate === "g";

// ---- where everything stands ----------------------------------------------------------------------------------------

export function layout(width, units) {
  const wide = width > 560;
  const advance = wide ? 9 : 8;
  const left = wide ? 140 : 8;
  const panel = wide ? 244 : width;
  const gutter = wide ? 66 : 27;
  const columns = Math.floor((width - left - gutter - (wide ? panel + 12 : 0)) / advance);
  const right = left + columns * advance;
  const lanes = { top: wide ? 74 : 62, pitch: wide ? 41 : 37, name: wide ? 0 : 14, height: wide ? 33 : 21 };
  const count = wide ? 5 : 4;
  const end = lanes.top + count * lanes.pitch;
  const next = wide
    ? { left: width - panel, top: 22, row: 22, count: 6, bar: 26, full: panel - 130 }
    : { left: 2, top: end + 23, row: 19, count: 4, bar: 24, full: width - 128 };
  const heat = wide ? { top: end + 5, height: 82 } : { top: next.top + 4 * 19 + 6, height: 26 };
  const found = wide
    ? { left: width - panel, top: 200, row: 22, count: 7, advance: 7.5 }
    : { left: 0, top: heat.top + heat.height + 22, row: 19, count: 2, advance: 7.4 };
  return {
    width,
    wide,
    advance,
    left,
    right,
    columns,
    panel,
    count,
    next,
    heat,
    found,
    base: wide ? 50 : 42,
    size: wide ? 15 : 13.5,
    lane: (n) => ({
      y: lanes.top + n * lanes.pitch + lanes.name,
      height: lanes.height,
      row: lanes.top + n * lanes.pitch,
    }),
    pitch: lanes.pitch,
    x: (column) => left + column * advance,
    // the row of the overview in which a unit of this rank stands
    row: (rank) => heat.top + ((rank + 0.5) / units) * heat.height,
    height: wide ? heat.top + heat.height + 6 : found.top + 2 * 19 + 2,
  };
}

const round = (value) => Math.round(value * 10) / 10;

// the place of a value in a band from `top` downwards
export const level = (value, [low, high], top, height) =>
  round(top + height - ((clamp(value, low, high) - low) / (high - low)) * height);

// An area of steps between a base line and the values, and the line above it. Both have as many corners as there are
// columns, so that they can run over; where there are no values any more, the corners lie on each other.
function steps(values, columns, x, advance, base, place) {
  let d = `M${x},${base}`;
  for (let n = 0; n < columns; n++)
    d += ` V${n < values.length ? place(values[n]) : base} H${round(x + Math.min(n + 1, values.length) * advance)}`;
  return `${d} V${base} Z`;
}

function line(values, columns, x, advance, base, place) {
  const last = values.length ? place(values.at(-1)) : base;
  let d = `M${x},${values.length ? place(values[0]) : base}`;
  for (let n = 0; n < columns; n++)
    d += ` V${n < values.length ? place(values[n]) : last} H${round(x + Math.min(n + 1, values.length) * advance)}`;
  return d;
}

const positions = (count, x, advance) =>
  Array.from({ length: count }, (_, n) => round(x + (n + 0.5) * advance)).join(" ");
const shown = (characters) => characters.map((c) => (c === "\n" ? "⏎" : c === " " ? "\u00a0" : c)).join("");

// A row of letters as one element: each stands in the middle of its column.
export function letters(key, characters, x, y, advance, options) {
  if (!characters.length) return [];
  const style = { "text-anchor": "middle", ...options, x: positions(characters.length, x, advance), y };
  return [{ ...mark("text", key, style, shown(characters)) }];
}

// ---- the text and its surprise --------------------------------------------------------------------------------------

export function text(place, seen) {
  const { first, at, known, freeBits, bits, held, marked } = seen;
  const { advance, columns, left, base, wide } = place;
  const last = Math.min(known.length, first + columns);
  const marks = [];
  if (marked) {
    const [from, to] = [clamp(marked[0], first, last), clamp(marked[1], first, last)];
    marks.push(
      mark("rect", "marked", {
        class: "gm-marked",
        x: place.x(from - first) - 0.5,
        width: Math.max(0, to - from) * advance + 1,
        y: base - 15,
        height: 21,
        rx: 4,
        opacity: to > from ? 1 : 0,
      }),
    );
  }
  const top = base - 17;
  const bar = (b) => round(top - Math.min(17, b * 2));
  const inView = (list) => list.slice(first, Math.min(first + columns, known.length));
  marks.push(mark("path", "surprise", { class: "gm-bits", d: steps(inView(bits), columns, left, advance, top, bar) }));
  if (held) {
    const d = line(inView(freeBits), columns, left, advance, top, bar);
    marks.push(mark("path", "surprise-free", { class: "gm-ghost", d }));
  }
  const style = { "font-size": place.size };
  const cut = clamp(at, first, last);
  marks.push(
    ...letters("read", known.slice(first, cut), left, base, advance, { ...style, class: "on gm-letter" }),
    ...letters("unread", known.slice(cut, last), place.x(cut - first), base, advance, {
      ...style,
      class: "on gm-letter gm-unread",
    }),
  );
  const mean = (list) => list.reduce((sum, b) => sum + b, 0) / Math.max(1, list.length);
  const n = Math.min(bits.length, freeBits.length);
  const [one, two] = [mean(freeBits.slice(0, n)), mean(bits.slice(0, n))];
  const change = held ? `${fixed(one, 2)} → ${fixed(two, 2)}` : fixed(one, 2);
  if (wide)
    marks.push(
      label("bits1", 0, 30, "surprise, mean of"),
      label("bits2", 0, 46, `${change} bits`, { class: "rf-strong" }),
    );
  else marks.push(label("bits1", 0, 11, `surprise, mean of a letter: ${change} bits`));
  return marks;
}

// ---- the lanes of single units --------------------------------------------------------------------------------------

export function lane(place, n, { name, told, value, values, free, range, chosen, hold, since, on }, seen) {
  const { gate, first, known } = seen;
  const { left, columns, advance, wide } = place;
  const { y, height, row } = place.lane(n);
  const key = `l${n}`;
  const both = signed(gate);
  const base = both ? round(y + height / 2) : y + height;
  const at = (value) => level(value, range, y, height);
  const inView = (list) => list.slice(first, Math.min(first + columns, known.length));
  const seenValues = inView(values);
  const width = columns * advance;
  const marks = [
    mark("rect", `${key}box`, { class: `gm-lane ${chosen ? "chosen" : ""}`, x: left, y, width, height, rx: 3 }),
    mark("path", `${key}up`, {
      class: `gm-up ${gate}`,
      d: steps(both ? seenValues.map((v) => Math.max(0, v)) : seenValues, columns, left, advance, base, at),
    }),
  ];
  if (both)
    marks.push(
      mark("path", `${key}down`, {
        class: "gm-down",
        d: steps(
          seenValues.map((v) => Math.min(0, v)),
          columns,
          left,
          advance,
          base,
          at,
        ),
      }),
      mark("line", `${key}zero`, { class: "gm-zero", x1: left, x2: left + width, y1: base, y2: base }),
    );
  const least = (range[1] - range[0]) / 25;
  if (free?.some((v, t) => Math.abs(v - values[t]) > least))
    marks.push(
      mark("path", `${key}free`, { class: "gm-ghost", d: line(inView(free), columns, left, advance, base, at) }),
    );
  if (chosen && on !== null)
    marks.push(mark("line", "on", { class: "gm-on", x1: left, x2: left + width, y1: at(on), y2: at(on) }));
  if (hold !== null) {
    const x1 = place.x(clamp(since - first, 0, columns));
    marks.push(mark("line", "hold", { class: "gm-hold", x1, x2: left + width + 14, y1: at(hold), y2: at(hold) }));
  }
  const strong = chosen ? "rf-strong" : "";
  if (wide)
    marks.push(
      label(`${key}name`, 4, y + 13, name, { class: `gm-name ${strong}`, "font-size": 13 }),
      label(`${key}told`, 4, y + 27, told),
    );
  else marks.push(label(`${key}name`, 2, row + 10, `${name} · ${told}`, { class: `gm-name ${strong}` }));
  const [x, below, anchor] = wide ? [place.right + 29, y + 13, "start"] : [place.right, row + 10, "end"];
  const style = { class: hold === null ? "rf-soft" : "rf-strong gm-held", "text-anchor": anchor };
  marks.push(label(`v${n}`, x, below, fixed(value, 2), style));
  return marks;
}

// where the button that lets a held unit go stands
export const freeing = (place, n) => {
  const { y, row } = place.lane(n);
  return place.wide ? [place.right + 29, y + 16] : [place.right - 76, row - 1];
};

// a number under the pointer: the value at letter t, and what it was without the hold
export function tip(place, { n, t }, value, before, { first, known }) {
  const x = place.x(t - first + 0.5);
  const { y, height } = place.lane(n);
  const change = before === undefined || Math.abs(before - value) < 0.005 ? "" : `${fixed(before, 2)} → `;
  const side = x > (place.left + place.right) / 2 ? "end" : "start";
  return [
    mark("line", "tipline", { class: "gm-tipline", x1: x, x2: x, y1: y, y2: y + height }),
    label("tip", x + (side === "end" ? -6 : 6), y + 12, `${visible(known[t])} ${change}${fixed(value, 2)}`, {
      class: "rf-strong",
      "text-anchor": side,
    }),
  ];
}

// ---- what is expected next ------------------------------------------------------------------------------------------

// the characters that are likely with or without the hold, the likeliest first
export function likely(free, held, count) {
  return free
    .map((p, k) => ({ k, p: held[k], free: p, most: Math.max(p, held[k]) }))
    .sort((one, two) => two.most - one.most || one.k - two.k)
    .slice(0, count);
}

const percent = (p) => `${fixed(100 * p, p < 0.0995 ? 1 : 0)} %`;

export function next(place, seen) {
  const { left, top, row, count, bar, full } = place.next;
  const { free, p, held, characters, came } = seen;
  const marks = [label("nh", left, top - 10, seen.finding, { class: "rf-strong", "font-size": 13 })];
  likely(free, p, count).forEach((one, n) => {
    const y = top + n * row;
    const key = `c${one.k}`;
    const text = held ? `${percent(one.free)} → ${percent(one.p)}` : percent(one.p);
    const height = row - 6;
    marks.push(
      mark("rect", `${key}bar`, {
        class: "gm-bar",
        x: left + bar,
        y: y + 2,
        height,
        rx: 3,
        width: Math.max(1, one.p * full),
      }),
      mark(
        "text",
        `${key}name`,
        {
          class: "gm-letter rf-strong",
          x: left + 10,
          y: y + row / 2 + 4,
          "font-size": 15,
          "text-anchor": "middle",
        },
        visible(characters[one.k]),
      ),
      mark(
        "text",
        `${key}p`,
        {
          x: left + bar + Math.max(one.p, held ? one.free : 0) * full + 7,
          y: y + row / 2 + 4,
          "font-size": 12.5,
        },
        text,
      ),
    );
    if (held)
      marks.push(
        mark("rect", `${key}free`, {
          class: "gm-ghost",
          x: left + bar,
          y: y + 1,
          height: height + 2,
          rx: 3,
          width: Math.max(1, one.free * full),
        }),
      );
    if (characters[one.k] === came)
      marks.push(mark("rect", "came", { class: "gm-came", x: left, y: y + 0.5, width: 21, height: row - 3, rx: 6 }));
  });
  return marks;
}

// ---- where else -----------------------------------------------------------------------------------------------------

export const excerpt = (place, start, length, T) => {
  const letters = Math.floor(place.panel / place.found.advance);
  const from = clamp(start - Math.max(2, Math.round((letters - length) / 2)), 0, Math.max(0, T - letters));
  return { from, letters: Math.min(letters, T - from) };
};

export function found(place, seen) {
  const { left, top, row, count, advance } = place.found;
  const { marked, gate, range, places, told } = seen;
  const marks = told
    .slice(0, place.wide ? 2 : 1)
    .map((text, n) =>
      label(
        `fh${n}`,
        left,
        top - (place.wide ? 24 : 8) + 15 * n,
        text,
        n ? {} : { class: "rf-strong", "font-size": 13 },
      ),
    );
  if (!places) return marks;
  const length = marked[1] - marked[0];
  places.starts.slice(0, count).forEach((start, n) => {
    const { from, letters: size } = excerpt(place, start, length, places.text.length);
    const y = top + n * row;
    const key = `f${start}`;
    const at = (value) => level(value, range, y, row - 3);
    const values = [...places.values.slice(from, from + size)];
    const base = signed(gate) ? round(y + (row - 3) / 2) : y + row - 3;
    const upper = signed(gate) ? values.map((v) => Math.max(0, v)) : values;
    marks.push(
      mark("path", `${key}up`, { class: `gm-up pale ${gate}`, d: steps(upper, size, left, advance, base, at) }),
    );
    if (signed(gate)) {
      const lower = values.map((v) => Math.min(0, v));
      marks.push(mark("path", `${key}down`, { class: "gm-down pale", d: steps(lower, size, left, advance, base, at) }));
    }
    marks.push(
      mark("rect", `${key}match`, {
        class: "gm-match",
        x: left + (start - from) * advance,
        y: y - 0.5,
        height: row - 2,
        rx: 3,
        width: length * advance,
      }),
      ...letters(`${key}text`, [...places.text.slice(from, from + size)], left, y + row - 7, advance, {
        class: "on gm-letter",
        "font-size": 12.5,
      }),
    );
  });
  return marks;
}
