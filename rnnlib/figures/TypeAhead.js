// A trained character model reads what is typed. See type_ahead.py.

import { clamp, diverging, fixed, svg, visible } from "./elements.js";
import { Reader, predict } from "./network.js";
import { mark } from "./stage.js";
import { View } from "./view.js";

export { Reader, predict };

const LONGEST = 120; // characters that can be typed
const CONTINUATION = 60;
const KNOB = 27; // how far below the line's top its handle hangs
const GRID = 16; // columns of the units
const PACE = 110; // milliseconds per letter that is written

// ---- where everything stands ----------------------------------------------------------------------------------------

function layout(width, units) {
  const wide = width > 560;
  const advance = wide ? 9.6 : 8.5;
  const columns = Math.floor((width - 4) / advance);
  const lines = wide ? 2 : 4;
  const pitch = wide ? 42 : 40;
  const top = 20;
  const below = top + lines * pitch + 26;
  const rows = Math.ceil(units / GRID);
  const gridLeft = wide ? Math.round(width * 0.56) : Math.round(width * 0.53);
  const square = Math.min(wide ? 16 : 9.5, (width - gridLeft) / GRID, 182 / rows);
  const count = wide ? 7 : 6;
  return {
    wide,
    advance,
    columns,
    lines,
    pitch,
    top,
    below,
    square,
    count,
    row: 26,
    size: wide ? 15 : 13.5,
    list: { name: 22, bar: 36, full: gridLeft - 36 - (wide ? 120 : 66) },
    grid: { left: gridLeft, top: below },
    height: below + Math.max(count * 26, rows * square + 22) + 4,
    letter: (n) => [2 + (n % columns) * advance + advance / 2, top + Math.floor(n / columns) * pitch + 16],
    // the number of letters before a point
    before: (x, y) =>
      clamp(Math.floor((y - top) / pitch), 0, lines - 1) * columns + clamp(Math.round((x - 2) / advance), 0, columns),
  };
}

// ---- the parts of the picture ---------------------------------------------------------------------------------------

// the text: each letter on the colour that the unit has after reading it, its surprise as a bar above it
function letters(place, seen, unit, further, first) {
  const marks = [];
  seen.known.slice(first).forEach((character, n) => {
    const t = n + first;
    const [x, y] = place.letter(n);
    const read = t < seen.at;
    const value = seen.moments[t + 1].state[0][unit];
    const left = x - place.advance / 2;
    const bar = Math.min(14, seen.bits[t] * 1.7);
    const box = { x: left, y: y - 1, width: place.advance + 0.4, height: 22 };
    marks.push(
      mark("rect", `b${t}`, { ...box, class: "ta-cell", style: `fill: ${read ? diverging(value, 60) : "none"}` }),
      mark("rect", `s${t}`, {
        class: read ? "ta-bits" : "ta-bits ghost",
        x: left + 2,
        width: place.advance - 4,
        y: y - 3 - bar,
        height: bar,
      }),
      mark("text", `l${t}`, letterAt(x, y, place, read ? "on" : "on ta-ghost"), character === "\n" ? "⏎" : character),
    );
  });
  if (seen.at < seen.known.length) return marks;
  [...further].forEach((character, n) => {
    const at = seen.known.length - first + n;
    if (at >= place.columns * place.lines) return;
    const [x, y] = place.letter(at);
    marks.push(mark("text", `f${n}`, letterAt(x, y, place, "on ta-further"), character === "\n" ? "⏎" : character));
  });
  return marks;
}

const letterAt = (x, y, { size }, kind) => ({
  class: `ta-letter ${kind}`,
  x,
  y: y + 15,
  "font-size": size,
  "text-anchor": "middle",
});

const caption = (key, x, y, text, options = {}) =>
  mark("text", key, { class: "rf-soft", x, y, "font-size": 12, ...options }, text);

// the candidates, from the likeliest down; a tick shows the share before the last change, a ring the letter that came
function candidates(place, seen, before) {
  const { name, bar, full } = place.list;
  const marks = [
    caption(
      "ch",
      0,
      place.below - 8,
      place.wide ? "the next character (click to type it; tick: before)" : "next: tap one to type it",
    ),
  ];
  const came = seen.at < seen.known.length ? seen.known[seen.at] : null;
  seen.candidates.slice(0, place.count).forEach(({ character, p }, n) => {
    const y = place.below + n * place.row;
    const key = `c${character}`;
    const size = Math.max(1, p * full);
    marks.push(
      mark("rect", `${key}bar`, { class: "ta-bar", x: bar, y: y + 4, width: size, height: 17, rx: 3 }),
      mark(
        "text",
        `${key}name`,
        { class: "ta-letter rf-strong", x: name - 8, y: y + 17, "font-size": 15, "text-anchor": "middle" },
        visible(character),
      ),
      mark("text", `${key}p`, { x: bar + size + 7, y: y + 17, "font-size": 13 }, `${fixed(100 * p, 1)} %`),
    );
    const old = before?.[seen.p.indexOf(p)];
    if (old > 0.005)
      marks.push(
        mark("rect", `${key}old`, { class: "ta-old", x: bar + old * full - 1, y: y + 2, width: 2.5, height: 21 }),
      );
    if (character === came)
      marks.push(mark("rect", "came", { class: "ta-came", x: 3, y: y + 2, width: 23, height: 22, rx: 6 }));
  });
  return marks;
}

// the hidden state: one square per unit
function stateGrid(place, h) {
  const { left, top } = place.grid;
  const marks = [];
  for (let j = 0; j < h.length; j++)
    marks.push(
      mark("rect", `u${j}`, {
        class: h[j] < 0 ? "ta-negative" : "ta-positive",
        x: left + (j % GRID) * place.square + 0.75,
        y: top + Math.floor(j / GRID) * place.square + 0.75,
        width: place.square - 1.5,
        height: place.square - 1.5,
        rx: 1.5,
        "fill-opacity": Math.round(Math.abs(h[j]) * 100) / 100,
      }),
    );
  return marks;
}

// ---- the figure -----------------------------------------------------------------------------------------------------

function summarise({ known, at, candidates: list, h }, unit, further) {
  const best = list.slice(0, 2).map(({ character, p }) => `${visible(character)} (${Math.round(100 * p)} %)`);
  const end = known.slice(Math.max(0, at - 8), at).join("");
  const state = `Unit ${unit} is at ${fixed(h[unit], 2)}.`;
  if (at < known.length)
    return `After “…${end}” the network expects ${best.join(" or ")}; there came ${visible(known[at])}. ${state}`;
  const start = further.slice(0, 16).replaceAll("\n", "⏎");
  return `After “…${end}” the network expects ${best.join(" or ")}. ${state} It might go on “${start}…”.`;
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("ta");
  const network = model.get("network");
  const reader = new Reader(network);
  const units = network.hidden_size;
  const unitNow = () =>
    hovered ?? (model.get("unit") < 0 ? (network.unit ?? 0) : Math.min(model.get("unit"), units - 1));
  const read = () => predict(reader, model.get("text"), model.get("temperature"), model.get("position"));
  let [seen, before, further, hovered, writing] = [read(), null, "", null, 0];
  let place = layout(900, units);
  const first = () => Math.max(0, seen.known.length - (place.columns * place.lines - 16)); // of the letters in sight

  const stage = view.stage("The text, what the network expects next, and its hidden state", (width) => {
    place = layout(width, units);
    const unit = unitNow();
    const mean = seen.bits.reduce((sum, b) => sum + b, 0) / Math.max(1, seen.bits.length);
    const told = place.wide
      ? `colour: unit ${unit} after each character, blue above zero, orange below · bar: surprise, ${fixed(mean, 1)} bits on average`
      : `colour: unit ${unit} · bar: surprise, mean ${fixed(mean, 1)} bits`;
    const [gx, gy] = [place.grid.left, place.grid.top];
    const rows = Math.ceil(units / GRID);
    const at = seen.at - first();
    const [cx, cy] = at > 0 ? place.letter(at - 1) : [2 - place.advance / 2, place.top + 16];
    const where = `translate(${cx + place.advance / 2},${cy})`;
    const square = [gx + ((unit % GRID) + 0.5) * place.square, gy + (Math.floor(unit / GRID) + 0.5) * place.square];
    const field = { class: "rf-field", x: 0, width, y: place.top, height: place.lines * place.pitch };
    const picked = place.wide
      ? `unit ${unit} stands at ${fixed(seen.h[unit], 2)}`
      : `${unit}: ${fixed(seen.h[unit], 2)}`;
    return {
      height: place.height,
      marks: [
        caption("told", 0, 12, told),
        { key: "field", node: textField, attributes: field },
        ...letters(place, seen, unit, further, first()),
        ...candidates(place, seen, before),
        caption(
          "gh",
          gx,
          place.below - 8,
          place.wide ? `the hidden state: ${units} units (point at one)` : `${units} units: tap one`,
        ),
        ...stateGrid(place, seen.h),
        {
          key: "units",
          node: unitField,
          attributes: { class: "rf-field", x: gx, y: gy, width: GRID * place.square, height: rows * place.square },
        },
        caption("gu", gx, gy + rows * place.square + 16, picked, { class: "rf-strong" }),
        ...picks
          .map((node, n) => ({
            key: `pick${n}`,
            node,
            attributes: { transform: `translate(0,${place.below + n * place.row})` },
          }))
          .slice(0, place.count),
        { key: "unit", node: ring, attributes: { transform: `translate(${square})` } },
        { key: "caret", node: caret, attributes: { transform: where } },
      ],
    };
  });

  // the reader's hand in the picture
  const rewind = (at) => {
    pause();
    view.set("position", at >= seen.known.length ? -1 : Math.max(0, at));
  };
  const textField = svg("rect");
  view.drag(stage, textField, (x, y) => rewind(first() + place.before(x, y)), {
    focus: () => caret.focus({ preventScroll: true }),
  });
  const caret = view.handle(stage, {
    label: "Reading position in the text",
    names: ["position", "text"],
    min: 0,
    max: () => seen.known.length,
    get: () => seen.at,
    set: rewind,
    text: (at) => `after ${at} of ${seen.known.length} characters: ${visible(seen.known[at - 1] ?? "the start")}`,
    at: (x, y) => first() + place.before(x, y - KNOB / 2), // level with the knob is still this line
    shape: [svg("path", { class: "ta-caret", d: "M0,-4 V24" }), svg("circle", { class: "rf-knob", cy: KNOB, r: 6 })],
  });
  const unitAt = (x, y) => {
    const column = clamp(Math.floor((x - place.grid.left) / place.square), 0, GRID - 1);
    const row = Math.max(0, Math.floor((y - place.grid.top) / place.square));
    return Math.min(units - 1, row * GRID + column);
  };
  const unitField = svg("rect");
  const choose = (unit) => {
    hovered = null;
    view.set("unit", unit);
  };
  view.drag(stage, unitField, (x, y) => choose(unitAt(x, y)), { focus: () => ring.focus({ preventScroll: true }) });
  const peek = (unit) => {
    if (hovered === unit || view.dragging) return;
    hovered = unit;
    stage.show();
  };
  unitField.addEventListener(
    "pointermove",
    (event) => event.pointerType === "mouse" && peek(unitAt(...stage.place(event))),
  );
  unitField.addEventListener("pointerleave", () => peek(null));
  const step = (by) => () => choose(clamp(unitNow() + by, 0, units - 1));
  const ring = view.handle(stage, {
    label: "Hidden unit that colours the text",
    names: ["unit", "text", "position"],
    min: 0,
    max: units - 1,
    get: unitNow,
    set: choose,
    text: (unit) => `unit ${unit}, ${fixed(seen.h[unit], 2)}`,
    keys: { ArrowUp: step(-GRID), ArrowDown: step(GRID) },
    shape: svg("rect", { class: "ta-ring", x: -7, y: -7, width: 14, height: 14, rx: 3 }),
  });
  ring.style.pointerEvents = "none";

  // type a character after what has been read
  const type = (character) => {
    const text = seen.known.slice(0, seen.at).join("") + character;
    if (text.length > LONGEST) return;
    model.set("position", -1);
    view.set("text", text);
  };
  const picks = Array.from({ length: 7 }, (_, n) => {
    const act = () => {
      pause();
      type(seen.candidates[n].character);
    };
    return view.pick("", act, { width: 150, height: 25 });
  });

  // ▶: the network writes on by itself
  const play = view.button("▶ Write on", () => (writing ? pause() : write()), { class: "ta-write" });
  function pause() {
    clearTimeout(writing);
    writing = 0;
    play.textContent = "▶ Write on";
  }
  function write() {
    play.textContent = "❚❚ Pause";
    const source = reader.continuation(seen.moment, model.get("temperature"), model.get("seed"), LONGEST);
    const go = () => {
      if (seen.at >= LONGEST - 1) return pause();
      type(source.next().value);
      writing = setTimeout(go, PACE);
    };
    go();
  }
  view.ends.push(pause);

  function* goOn() {
    further = "";
    const source = reader.continuation(seen.moment, model.get("temperature"), model.get("seed"), CONTINUATION);
    for (const character of source) {
      further += character;
      if (further.length % 12 === 0) stage.show();
      yield;
    }
    stage.show();
    view.say(summarise(seen, unitNow(), further));
  }
  let started = false;
  const update = () => {
    before = started ? seen.p : null;
    started = true;
    seen = read();
    picks.forEach((node, n) => {
      const { character, p } = seen.candidates[n] ?? {};
      node.setAttribute("aria-label", character ? `Type ${visible(character)}, ${fixed(100 * p, 1)} %` : "");
    });
    further = "";
    stage.show();
    view.work("further", goOn());
  };
  const input = view.text("text", { label: "Type here", maxlength: LONGEST });
  input.querySelector("input").addEventListener("input", () => {
    pause();
    view.set("position", -1);
  });
  const format = (t) => fixed(t, 1);
  const temperature = view.range("temperature", { label: "Temperature", min: 0.1, max: 2, step: 0.1, format });
  view.body.append(input, stage.box, view.row(temperature, play));
  view.follow(["text", "position", "temperature", "seed"], update);
  view.on(["unit"], () => {
    stage.show();
    view.say(summarise(seen, unitNow(), further));
  });
  return () => view.dispose();
}

export default { render };
