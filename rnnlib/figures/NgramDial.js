// Order and smoothing of an n-gram model: bits per character, unseen n-grams, a sample. See ngram_dial.py.

import { pick, random } from "./cells.js";
import { axes, curve, knob, label, scale } from "./chart.js";
import { Counts } from "./counts.js";
import { clamp, fixed, svg, visible } from "./elements.js";
import { mark } from "./stage.js";
import { View } from "./view.js";

export { Counts };

const ORDERS = [1, 2, 3, 4, 5, 6, 7, 8];
const SAMPLE = 140; // characters
const HIGHEST = 5.2; // bits in sight
const FOLLOWERS = 7;
const KINDS = { "maximum likelihood": "ml", "add-k": "addk", "Kneser-Ney": "kn" };
const NAMES = { "maximum likelihood": "no smoothing", "add-k": "add-k", "Kneser-Ney": "Kneser–Ney" };

// ---- what is shown --------------------------------------------------------------------------------------------------

function curves(model) {
  const { bits, ks } = model.get("measured");
  return {
    "maximum likelihood": bits["maximum likelihood"],
    "add-k": bits["add-k"][ks.indexOf(model.get("k"))],
    "Kneser-Ney": bits["Kneser-Ney"],
  };
}

// A text drawn from the model, starting after a line break; one letter per piece of work.
function* sample(counts, options, seed) {
  const uniform = random(seed);
  let context = "\n";
  for (let n = 0; n < SAMPLE; n++) {
    const p = counts.distribution(context, options);
    if (p === null) return; // the end of the piece: nothing has ever followed
    const character = counts.alphabet[pick(p, uniform())];
    yield { character, blind: !counts.seen(context, options.order) };
    context = (context + character).slice(-8);
  }
}

// ---- the picture ----------------------------------------------------------------------------------------------------

function layout(width) {
  const wide = width > 560;
  const right = wide ? Math.round(width * 0.54) : width - 6;
  const [top, bottom] = wide ? [50, 262] : [44, 178];
  const bars = bottom + (wide ? 74 : 64);
  const x = scale([0.5, 8.5], [26, right], { ticks: ORDERS });
  const y = scale([0, HIGHEST], [bottom, top], { ticks: wide ? [0, 1, 2, 3, 4, 5] : [0, 2, 4] });
  const left = wide ? right + 44 : 0;
  const columns = Math.floor((width - left) / 8.45);
  const text = {
    left,
    top: wide ? 30 : bars + 48,
    columns,
    lines: Math.ceil((SAMPLE - 0.5) / columns),
    pitch: wide ? 21 : 19,
  };
  const under = text.top + text.lines * text.pitch + (wide ? 26 : 22);
  const row = wide ? 22 : 18;
  const rows = wide ? FOLLOWERS : 3;
  const height = wide ? Math.max(bars + 26, under + rows * row + 4) : under + rows * row + 2;
  return { wide, width, x, y, top, bottom, bars, text, under, row, rows, height };
}

function curveMarks(place, model, ghost) {
  const { x, y, top } = place;
  const [order, chosen] = [model.get("order"), model.get("smoothing")];
  const marks = axes(x, y, {
    yTitle: "bits per character, new text",
    yTitleAt: 14,
    xTitle: "order n: the model sees n − 1 characters",
  });
  const at = (bits) => (bits === null ? top - 16 : y(Math.min(bits, HIGHEST)));
  if (ghost)
    marks.push(
      curve(
        "ghost",
        ORDERS.map((n) => [x(n), at(ghost[n - 1])]),
        { class: "ng-curve ghost" },
      ),
    );
  const all = Object.entries(curves(model)).sort(([a], [b]) => (a === chosen) - (b === chosen));
  for (const [name, bits] of all) {
    const kind = `${KINDS[name]} ${name === chosen ? "chosen" : ""}`;
    const finite = bits.filter((value) => value !== null).length;
    const points = ORDERS.slice(0, Math.min(8, finite + 1)).map((n) => [x(n), at(bits[n - 1])]);
    marks.push(curve(`curve ${name}`, points, { class: `ng-curve ${kind}` }));
    bits.forEach((value, n) => {
      if (value === null) {
        const style = { class: `ng-name ${kind}`, "text-anchor": "middle", "font-size": 14 };
        marks.push(label(`p${name}${n}`, x(n + 1), top - 6, "∞", style));
      } else
        marks.push(mark("circle", `p${name}${n}`, { class: `ng-point ${kind}`, cx: x(n + 1), cy: at(value), r: 3 }));
    });
    const where = { ml: [8.45, top - 20], addk: [8.45, at(bits[7]) - 11], kn: [8.45, at(bits[7]) + 20] }[KINDS[name]];
    const text =
      name === "add-k"
        ? `add-k, k = ${model.get("k")}`
        : name === "Kneser-Ney"
          ? "Kneser–Ney"
          : "no smoothing: infinite";
    const style = {
      class: `ng-name ${kind}`,
      "text-anchor": "end",
      "font-size": place.wide ? 13 : 12,
    };
    marks.push(label(`name ${name}`, x(where[0]), where[1], text, style));
  }
  const bits = all.at(-1)[1][order - 1];
  const cy = at(bits);
  const value = bits === null ? "∞" : fixed(bits, 2);
  marks.unshift(mark("line", "drop", { class: "ng-drop", x1: x(order), x2: x(order), y1: cy, y2: place.bars }));
  const below = KINDS[chosen] === "kn" && (order === 4 || order === 5); // between its curve and that of add-k is no room
  const left = below || order > 6; // where neither the curve nor its name is
  const beside = { class: `ng-value ${KINDS[chosen]}`, "font-size": 16, "text-anchor": left ? "end" : "start" };
  marks.push(
    label("value", x(order) + (left ? -14 : 14), below ? cy + 22 : Math.max(cy - 10, top + 24), value, beside),
  );
  return marks;
}

function unseenMarks({ x, bars, wide }, model) {
  const { unseen } = model.get("measured");
  const order = model.get("order");
  const gap = x(2) - x(1);
  const marks = [];
  ORDERS.forEach((n) => {
    const share = unseen[n - 1];
    const now = n === order ? "now" : "";
    const size = Math.max(1, share * 46);
    const box = { class: `ng-bar ${now}`, x: x(n) - gap * 0.3, width: gap * 0.6, y: bars - size, height: size, rx: 2 };
    marks.push(mark("rect", `bar${n}`, box));
    const text = { class: `ng-share ${now}`, "text-anchor": "middle", "font-size": wide ? 12 : 11.5 };
    marks.push(label(`share${n}`, x(n), bars + 15, `${fixed(100 * share, share < 0.1 && wide ? 1 : 0)}%`, text));
  });
  marks.push(
    label("unseen", x(1) - gap * 0.3, bars - (wide ? 12 : 10), "n-grams of new text never seen before", {
      class: "rf-soft ng-why",
    }),
  );
  return marks;
}

// the sample; the context of the letter that is looked at, and what has followed it
function sampleMarks({ text, wide }, letters, looked, order, seed) {
  const at = (n) => [text.left + (n % text.columns) * 8.45, text.top + Math.floor(n / text.columns) * text.pitch];
  const marks = [label("sample", text.left, text.top - 12, `sample ${seed}: ${wide ? "point at" : "tap"} a letter`)];
  letters.forEach(({ character, blind }, n) => {
    const [x, y] = at(n);
    const context = n < looked && n >= looked - order + 1;
    const kind = n === looked ? "looked" : context ? "context" : "";
    if (kind)
      marks.push(mark("rect", `at${n}`, { class: `ng-mark ${kind}`, x, y, width: 8.7, height: text.pitch - 2 }));
    const style = {
      class: `ng-letter on ${blind ? "blind" : ""} ${kind}`,
      x: x + 4.2,
      y: y + 14,
      "font-size": 14,
      "text-anchor": "middle",
    };
    marks.push(mark("text", `s${n}`, style, character === "\n" ? "⏎" : character));
  });
  return { marks, at };
}

function followerMarks({ text, under, row, rows, width }, found, order) {
  if (!found) return [];
  const { context, total, list, character } = found;
  const shown = `“${[...context].map((c) => (c === "\n" ? "⏎" : c)).join("")}”`;
  const after = order === 1 ? "without context" : `after ${shown}`;
  const head = total
    ? `${after}: seen ${total.toLocaleString("en-US")} times, followed by`
    : `${after}: never seen, a guess`;
  const marks = [label("head", text.left, under - 8, head, { class: "rf-strong" })];
  const most = Math.max(1, ...list.map(({ count }) => count));
  const full = width - text.left - 104;
  list.slice(0, rows).forEach((entry, n) => {
    const y = under + n * row;
    const now = entry.character === character ? "now" : "";
    const size = Math.max(1, (entry.count / most) * full);
    marks.push(
      label(`fn${n}`, text.left + 12, y + 14, visible(entry.character), {
        class: `ng-letter ${now}`,
        "font-size": 14,
        "text-anchor": "middle",
      }),
    );
    marks.push(
      mark("rect", `fb${n}`, {
        class: `ng-count ${now}`,
        x: text.left + 26,
        y: y + 2,
        width: size,
        height: row - 5,
        rx: 2,
      }),
    );
    marks.push(
      label(`fc${n}`, text.left + 32 + size, y + 14, `${entry.count}×, p ${fixed(entry.p, 2)}`, { "font-size": 12 }),
    );
  });
  return marks;
}

// ---- the figure -----------------------------------------------------------------------------------------------------

function summarise(model) {
  const [order, smoothing, k] = ["order", "smoothing", "k"].map((name) => model.get(name));
  const bits = curves(model)[smoothing][order - 1];
  const name = smoothing === "add-k" ? `add-k with k = ${k}` : NAMES[smoothing];
  const share = fixed(100 * model.get("measured").unseen[order - 1], 1);
  const cost = bits === null ? "infinitely many bits" : `${fixed(bits, 2)} bits per character`;
  return `Order ${order}, ${name}: new text costs ${cost}. ${share} % of its ${order}-grams never occur in the training text.`;
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("ng");
  const { text, discounts, ks } = model.get("measured");
  const counts = new Counts(text, discounts);
  const options = () => ({ order: model.get("order"), smoothing: model.get("smoothing"), k: model.get("k") });
  let [place, letters, ghost] = [layout(900), [], null];
  const looked = () => Math.min(model.get("letter"), letters.length - 1);

  // the context of the letter that is looked at: what has followed it in the text, and what the model makes of that
  function lookUp() {
    const n = looked();
    if (n < 0) return null;
    const order = model.get("order");
    const past = `\n${letters
      .slice(0, n)
      .map(({ character }) => character)
      .join("")}`;
    const context = order > 1 ? past.slice(1 - order) : "";
    const p = counts.distribution(past.slice(-8), options());
    const found = counts.followers(context).counts;
    const all = counts.alphabet.map((character, w) => ({ character, count: found[w], p: p?.[w] ?? 0 }));
    const list = all.sort((a, b) => b.count - a.count || b.p - a.p);
    const own = list.findIndex(({ character }) => character === letters[n].character);
    const last = place.rows - 1;
    if (own > last) list.splice(last, 0, ...list.splice(own, 1)); // the drawn letter is always in sight
    return { context, total: found.reduce((sum, c) => sum + c, 0), list, character: letters[n].character };
  }

  const stage = view.stage("Bits per character and unseen n-grams by order, and a sample", (width) => {
    place = layout(width);
    const order = model.get("order");
    const bits = curves(model)[model.get("smoothing")][order - 1];
    const sampled = sampleMarks(place, letters, looked(), order, model.get("seed"));
    const [lx, ly] = sampled.at(Math.max(0, looked()));
    const plot = { class: "rf-field", x: 26, y: 0, width: place.x.range[1] - 26, height: place.bars + 20 };
    const lines = {
      class: "rf-field",
      x: place.text.left,
      y: place.text.top,
      width: place.text.columns * 8.45,
      height: place.text.lines * place.text.pitch,
    };
    return {
      height: place.height,
      marks: [
        { key: "plot", node: plotField, attributes: plot },
        ...unseenMarks(place, model),
        ...curveMarks(place, model, ghost),
        ...sampled.marks,
        ...followerMarks(place, lookUp(), order),
        { key: "again", node: again, attributes: { transform: `translate(${width - 132},${place.text.top - 28})` } },
        { key: "lines", node: letterField, attributes: lines },
        {
          key: "letter",
          node: letter,
          attributes: { transform: `translate(${lx + 4.2},${ly + place.text.pitch / 2 - 1})` },
        },
        {
          key: "dot",
          node: dot,
          attributes: {
            transform: `translate(${place.x(order)},${bits === null ? place.top - 11 : place.y(Math.min(bits, HIGHEST))})`,
          },
        },
      ],
    };
  });

  // drag the point: across to another order, up and down to another curve
  const choose = (x, y) => {
    const order = clamp(Math.round(place.x.invert(x)), 1, 8);
    if (order !== model.get("order")) view.set("order", order);
    if (y > place.bottom + 20) return; // among the bars only the order is meant
    const far = ([, bits]) => Math.abs((bits[order - 1] === null ? place.top - 16 : place.y(bits[order - 1])) - y);
    const [name] = Object.entries(curves(model)).reduce((best, other) => (far(other) < far(best) - 1 ? other : best));
    const current = curves(model)[model.get("smoothing")];
    if (far([name, curves(model)[name]]) < far(["", current]) - 12) view.set("smoothing", name);
  };
  const plotField = svg("rect");
  view.drag(stage, plotField, choose, { focus: () => dot.focus({ preventScroll: true }) });
  const turn = (by) => () => {
    const names = Object.keys(KINDS);
    view.set("smoothing", names[(names.indexOf(model.get("smoothing")) + by + 3) % 3]);
  };
  const dot = view.handle(stage, {
    label: "Order; up and down: the smoothing",
    twin: false,
    names: ["order", "smoothing", "k"],
    min: 1,
    max: 8,
    get: () => model.get("order"),
    set: (order) => view.set("order", order),
    text: () => summarise(model),
    keys: { ArrowUp: turn(1), ArrowDown: turn(-1) },
    shape: knob(10, "ng-knob"),
  });
  view.bind("smoothing", (name) => dot.setAttribute("class", `rf-handle ${KINDS[name]}`));
  view.drag(stage, dot, choose, { focus: () => dot.focus({ preventScroll: true }) });

  const look = (n) => view.set("letter", clamp(n, 0, letters.length - 1));
  const letterAt = (x, y) => {
    const { left, top, columns, lines, pitch } = place.text;
    return (
      clamp(Math.floor((y - top) / pitch), 0, lines - 1) * columns +
      clamp(Math.floor((x - left) / 8.45), 0, columns - 1)
    );
  };
  const letterField = svg("rect");
  view.drag(stage, letterField, (x, y) => look(letterAt(x, y)), { focus: () => letter.focus({ preventScroll: true }) });
  letterField.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && !view.dragging) look(letterAt(...stage.place(event)));
  });
  const letter = view.handle(stage, {
    label: "Letter of the sample",
    names: ["letter"],
    min: 0,
    max: SAMPLE - 1,
    get: () => model.get("letter"),
    set: look,
    text: (n) => `letter ${n + 1}: ${visible(letters[n]?.character ?? "")}`,
    keys: {
      ArrowUp: () => look(model.get("letter") - place.text.columns),
      ArrowDown: () => look(model.get("letter") + place.text.columns),
    },
    shape: svg("rect", { class: "ng-ring", x: -7, y: -11, width: 14, height: 22, rx: 4 }),
  });
  letter.style.pointerEvents = "none";

  function* write() {
    letters = [];
    for (const one of sample(counts, options(), model.get("seed"))) {
      letters.push(one);
      if (letters.length % 14 === 0) stage.show();
      yield;
    }
    stage.show();
  }
  let shown = null; // the curve and its name that are in sight
  const update = () => {
    const name = model.get("smoothing");
    const now = curves(model)[name];
    if (shown && shown.bits !== now) ghost = shown.bits;
    shown = { bits: now };
    letters = [];
    stage.show();
    view.work("sample", write());
    view.say(summarise(model));
  };

  const smoothing = view.select("smoothing", { label: "Smoothing", options: Object.entries(NAMES) });
  const k = view.range("k", { label: "k", values: [...ks].reverse() });
  view.bind("smoothing", (name) => {
    k.querySelector("input").disabled = name !== "add-k";
    k.classList.toggle("off", name !== "add-k");
  });
  const again = view.pick("Another sample", () => view.set("seed", model.get("seed") + 1), { width: 128, height: 22 });
  again.append(
    svg("text", { class: "ng-again", x: 64, y: 15, "font-size": 12.5, "text-anchor": "middle" }, "↻ another sample"),
  );
  const order = () => view.range("order", { label: "Order n", min: 1, max: 8 });
  const beside = order(); // where the figure is wide
  beside.classList.add("ng-order");
  view.more(order());
  view.body.append(stage.box, view.row(beside, smoothing, k));
  view.follow(["order", "smoothing", "k", "seed"], update);
  view.on(["letter"], () => stage.show());
  return () => view.dispose();
}

export default { render };
