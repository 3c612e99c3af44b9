// The units of a trained network over a text, one of which can be held. See gate_microscope.py.

import { label } from "./chart.js";
import { clamp, fixed, svg, visible } from "./elements.js";
import { Elsewhere } from "./elsewhere.js";
import { frame, Heat } from "./heat.js";
import { Machine, Reading, search, survey } from "./microscope.js";
import { excerpt, found, freeing, GATE_NAMES, lane, layout, level, next, text, tip } from "./slide.js";
import { View } from "./view.js";
import { findingOf, headings, sentence } from "./words.js";

export { Machine, Reading, search, survey };

const LONGEST = 300; // characters that are read
const BUDGET = 7; // milliseconds of reading before the first picture of a change,
const AT_ONCE = 60; // or as many letters, if that takes longer

// the clamp that the controls ask for, or null
function heldBy(model, machine, unit, length) {
  if (!model.get("clamped")) return null;
  const gate = gateOf(model, machine);
  const since = Math.min(model.get("since"), length);
  return { gate, unit, value: clamp(model.get("value"), ...machine.range(gate, unit)), since };
}

const gateOf = (model, machine) => (machine.gates.includes(model.get("gate")) ? model.get("gate") : "state");

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("gm");
  const network = model.get("network");
  const machine = new Machine(network);
  const order = network.order;
  const rank = new Map(order.map((unit, n) => [unit, n]));
  const named = network.units;
  const free = new Reading(machine);
  const other = new Reading(machine);
  let [known, held, hover, anchor, started] = [readable(), null, null, null, false];
  let place = layout(900, machine.units);

  function readable() {
    return machine.known(model.get("text")).slice(0, LONGEST);
  }
  const gate = () => gateOf(model, machine);
  const unitNow = () => (model.get("unit") < 0 ? network.unit : Math.min(model.get("unit"), machine.units - 1));
  const reading = () => (held ? other : free);
  const at = () => Math.min(model.get("position"), known.length);
  const first = () =>
    known.length <= place.columns ? 0 : clamp(at() - Math.round(place.columns * 0.7), 0, known.length - place.columns);
  const marked = () => {
    const [from, to] = view.get("mark_start", "mark_end").map((n) => Math.min(n, known.length));
    return from >= 0 && to > from ? [from, to] : null;
  };
  // the units of the lanes: those with a name, and the chosen one in the place of the last
  const lanes = () => {
    const units = named.slice(0, place.count);
    if (units.some(({ unit }) => unit === unitNow())) return units;
    return [...units.slice(0, place.count - 1), { unit: unitNow(), name: "your choice" }];
  };
  const laneOf = (n) => lanes()[n] ?? named[0];
  const valueAt = (unit, t = at()) => reading().moments[t]?.gates[gate()][unit];

  // ---- the picture ----

  const stage = view.stage("The text, what single units do over it, what is expected next, and where else", (width) => {
    place = layout(width, machine.units);
    const [unit, g, from, position] = [unitNow(), gate(), first(), at()];
    const rangeOf = (unit) => machine.range(g, unit);
    const range = rangeOf(unit);
    const now = reading().moments[position];
    const before = free.moments[position];
    const bits = { freeBits: free.surprise(), bits: reading().surprise() };
    const seen = { first: from, at: position, known, ...bits, gate: g, range, held, marked: marked() };
    const marks = [{ key: "letters", node: textField, attributes: field(place.left, 0, place.right, place.base + 8) }];
    marks.push(...text(place, seen));
    const on = seen.marked && elsewhere.threshold(g, unit);
    lanes().forEach((one, n) => {
      const chosen = one.unit === unit;
      const { score, measure, name } = one;
      const told = `unit ${one.unit}${measure && (place.wide || (place.width > 300 && !(held && chosen))) ? `, ${measure} ${fixed(score, 2)}` : ""}`;
      const values = reading().values(g, one.unit);
      const freely = held ? free.values(g, one.unit) : null;
      const hold = held && chosen ? held.value : null;
      const value = valueAt(one.unit) ?? 0;
      const scaled = { values, free: freely, range: rangeOf(one.unit) };
      const shown = { name, told, value, ...scaled, chosen, hold, since: held?.since, on };
      marks.push(...lane(place, n, shown, seen));
      const { y, height, row } = place.lane(n);
      const there = hold === null ? y + height / 2 : level(value, scaled.range, y, height);
      marks.push(
        { key: `field${n}`, node: fields[n], attributes: field(place.left, y, place.right, y + height) },
        { key: `pick${n}`, node: picks[n], attributes: { transform: `translate(0,${place.wide ? y : row})` } },
        { key: `knob${n}`, node: knobs[n], attributes: { transform: `translate(${place.right + 14},${there})` } },
      );
      if (hold === null) return;
      const [x, top] = freeing(place, n);
      marks.push(
        { key: "free", node: release, attributes: { transform: `translate(${x},${top})` } },
        label("freename", x, top + 11, "× free", { class: "gm-free" }),
      );
    });
    const { y: laneY, height: laneHeight } = place.lane(lanes().findIndex((one) => one.unit === unit));
    marks.push({
      key: "since",
      node: since,
      attributes: {
        transform: `translate(${place.x(clamp((held?.since ?? 0) - from, 0, place.columns))},${level(held?.value ?? 0, range, laneY, laneHeight)})`,
        visibility: held ? "visible" : "hidden",
      },
    });
    const value = hover && hover.t < known.length ? valueAt(lanes()[hover.n]?.unit, hover.t + 1) : undefined;
    if (value !== undefined) {
      const freely = held ? free.moments[hover.t + 1]?.gates[g][lanes()[hover.n].unit] : undefined;
      marks.push(...tip(place, hover, value, freely, seen));
    }
    if (now && before) {
      const [p, old] = [machine.expect(now), machine.expect(before)];
      const parts = { p, free: old, held, characters: machine.characters, came: known[position] };
      marks.push(...next(place, { ...parts, finding: findingOf(machine, old, p, held) }));
    }
    const heated = { ...seen, rangeOf, order, now: reading().moments, before: free.moments };
    const [across, y] = [heat.overview(place, heated), place.row(rank.get(unit))];
    const { places, progress } = elsewhere;
    marks.push(
      {
        key: "units",
        node: unitField,
        attributes: field(place.left, place.heat.top, place.left + across, place.heat.top + place.heat.height),
      },
      ...frame(place, { letters: known.length, units: machine.units, held, gate: g, from, width: across, y }),
      { key: "unit", node: row, attributes: { transform: `translate(${place.left + across + 9},${y})` } },
      ...found(place, { ...seen, places, told: headings(place, seen.marked, places, progress) }),
    );
    (places?.starts ?? []).slice(0, place.found.count).forEach((start, n) => {
      const { left, top, row } = place.found;
      jumps[n].setAttribute("aria-label", `Read the excerpt at ${start}`);
      marks.push({ key: `jump${n}`, node: jumps[n], attributes: { transform: `translate(${left},${top + n * row})` } });
    });
    const caretAt = place.x(clamp(position - from, 0, place.columns));
    marks.push({ key: "caret", node: caret, attributes: { transform: `translate(${caretAt},${place.base})` } });
    return { height: place.height, marks };
  });
  const field = (x, y, right, bottom) => ({ class: "rf-field", x, y, width: right - x, height: bottom - y });
  const heat = new Heat(stage);
  const elsewhere = new Elsewhere(view, machine, network.searched, free, { looked: () => stage.show(), done: show });

  // ---- the reader's hand in the picture ----

  let quiet = false;
  const put = (values) => {
    quiet = true;
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    quiet = false;
    model.save_changes();
    update();
  };
  const column = (x) => first() + clamp(Math.floor((x - place.left) / place.advance), 0, place.columns - 1);
  const edge = (x) => clamp(first() + Math.round((x - place.left) / place.advance), 0, known.length);

  const textField = svg("rect");
  let began = null;
  view.drag(
    stage,
    textField,
    (x) => {
      const c = Math.min(column(x), known.length - 1);
      began ??= { c, x, moved: false };
      began.moved ||= Math.abs(x - began.x) > place.advance * 0.6;
      began.x1 = x;
      if (began.moved && c >= 0) put({ mark_start: Math.min(began.c, c), mark_end: Math.max(began.c, c) + 1 });
    },
    {
      focus: () => caret.focus({ preventScroll: true }),
      end: () => {
        if (began && !began.moved) put({ position: edge(began.x1) });
        began = null;
      },
    },
  );
  const caret = view.handle(stage, {
    label: "Reading position; with shift, mark letters",
    names: [],
    min: 0,
    max: () => known.length,
    get: at,
    set: (value) => {
      view.stop();
      anchor = null;
      view.set("position", value);
    },
    text: (value) => `after ${value} of ${known.length} letters: ${visible(known[value - 1] ?? "the start")}`,
    at: (x) => edge(x),
    twin: false,
    keys: { Escape: () => put({ mark_start: -1, mark_end: -1 }) },
    shape: [svg("path", { class: "gm-caret", d: "M0,-17 V10" }), svg("circle", { class: "rf-knob", cy: 12, r: 6 })],
  });
  caret.querySelector(".rf-grip").setAttribute("r", 16);
  caret.addEventListener(
    "keydown",
    (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!event.shiftKey || !by) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      anchor ??= at();
      const now = clamp(at() + by, 0, known.length);
      const [start, end] = [Math.min(anchor, now), Math.max(anchor, now)];
      put({ position: now, mark_start: start < end ? start : -1, mark_end: start < end ? end : -1 });
    },
    true,
  );

  const hold = (unit, value) => put({ unit, clamped: true, value: Math.round(100 * value) / 100 });
  const letGo = () => put({ clamped: false });
  const laneUnit = (n) => laneOf(n).unit;
  const rangeAt = (n) => machine.range(gate(), laneUnit(n));
  const isHeld = (n) => held !== null && laneUnit(n) === held.unit;
  const knobs = Array.from({ length: 5 }, (_, n) => {
    const knob = view.handle(stage, {
      label: () => `Hold the ${GATE_NAMES[gate()]} of unit ${laneUnit(n)}, ${laneOf(n).name}`,
      names: [],
      min: () => rangeAt(n)[0],
      max: () => rangeAt(n)[1],
      step: 0.05,
      get: () => Math.round(100 * (valueAt(laneUnit(n)) ?? 0)) / 100,
      set: (value) => hold(laneUnit(n), clamp(value, ...rangeAt(n))),
      text: (value) => (isHeld(n) ? `held at ${fixed(held.value, 2)}` : `${fixed(value, 2)}, free`),
      at: (_, y) => {
        const { y: top, height } = place.lane(n);
        const [low, high] = rangeAt(n);
        return low + clamp((top + height - y) / height, 0, 1) * (high - low);
      },
      keys: { Escape: letGo, Delete: letGo, Backspace: letGo },
      shape: svg("circle", { class: "rf-knob", r: 7.5 }),
    });
    knob.querySelector(".rf-grip").setAttribute("r", 13);
    return knob;
  });
  const picks = knobs.map((_, n) => view.pick("", () => put({ unit: laneUnit(n) }), { width: 126, height: 31 }));
  const release = view.pick("Let the unit go free", letGo, { width: 40, height: 15 });
  const since = view.handle(stage, {
    label: "Held from letter",
    names: [],
    min: 0,
    max: () => known.length,
    get: () => Math.min(model.get("since"), known.length),
    set: (value) => put({ since: value }),
    text: (value) => `from letter ${value}, ${visible(known[value] ?? "the end")}`,
    at: (x) => edge(x),
    keys: { Escape: letGo, Delete: letGo },
    shape: svg("rect", { class: "gm-since", x: -4, y: -8, width: 8, height: 16, rx: 3 }),
  });
  since.querySelector(".rf-grip").setAttribute("r", 13);

  const fields = knobs.map((_, n) => {
    const node = svg("rect");
    const peek = (event) => {
      hover = { n, t: column(stage.place(event)[0]) };
      stage.show();
    };
    node.addEventListener("pointermove", (event) => event.pointerType === "mouse" && peek(event));
    node.addEventListener("pointerdown", (event) => {
      peek(event);
      if (event.button === 0) put({ unit: laneUnit(n) });
    });
    node.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "mouse") return;
      hover = null;
      stage.show();
    });
    return node;
  });

  const unitField = svg("rect");
  const rankAt = (y) =>
    clamp(Math.floor(((y - place.heat.top) / place.heat.height) * machine.units), 0, machine.units - 1);
  view.drag(stage, unitField, (_, y) => choose(rankAt(y)), { focus: () => row.focus({ preventScroll: true }) });
  const choose = (n) => put({ unit: order[n] });
  const row = view.handle(stage, {
    label: "Unit, from what keeps longest to what changes fastest",
    names: [],
    min: 0,
    max: machine.units - 1,
    get: () => rank.get(unitNow()),
    set: choose,
    text: (n) => `unit ${order[n]}, number ${n + 1} of ${machine.units}`,
    at: (_, y) => rankAt(y),
    keys: {
      ArrowDown: () => choose(Math.min(rank.get(unitNow()) + 1, machine.units - 1)),
      ArrowUp: () => choose(Math.max(rank.get(unitNow()) - 1, 0)),
    },
    shape: svg("path", { class: "rf-knob", d: "M-8,0 L5,-7 V7 Z" }),
  });

  // a place that was found becomes the text
  const jumps = Array.from({ length: 7 }, (_, n) =>
    view.pick(
      "",
      () => {
        const [from, to] = marked();
        const { places } = elsewhere;
        const start = places.starts[n];
        const shown = excerpt(place, start, to - from, places.text.length);
        const piece = places.text.slice(shown.from, shown.from + shown.letters);
        const mark_start = start - shown.from;
        put({ text: piece, position: LONGEST, mark_start, mark_end: mark_start + to - from, since: 0 });
      },
      { width: 246, height: 19 },
    ),
  );

  // ---- what follows a change ----

  // screen readers are told what stands at each handle
  function tell() {
    for (const handle of [caret, since, row, ...knobs.slice(0, lanes().length)]) handle.update();
    lanes().forEach((one, n) => {
      knobs[n].classList.toggle("free", !isHeld(n));
      picks[n].setAttribute("aria-label", `Choose unit ${one.unit}, ${one.name}`);
      picks[n].setAttribute("aria-pressed", one.unit === unitNow());
    });
  }

  function summary() {
    const [now, before] = [reading().moments[at()], free.moments[at()]];
    if (!now || !before) return;
    const read = known.slice(Math.max(0, at() - 10), at()).join("");
    const unit = { gate: gate(), unit: unitNow(), value: valueAt(unitNow()) ?? 0, places: elsewhere.places };
    view.say(sentence(machine, { read, p: machine.expect(now), free: machine.expect(before), held, ...unit }));
  }

  function show() {
    stage.show({ moves: !view.dragging });
    tell();
    summary();
  }

  const advance = () => {
    if (!free.done) free.advance();
    else if (held && !other.done) other.advance();
    else return false;
    return true;
  };
  function* readOn() {
    let n = 0;
    while (advance()) {
      if (++n % 20 === 0) stage.show();
      yield;
    }
    show();
  }
  function update() {
    if (quiet) return;
    known = readable();
    const ids = known.map((character) => machine.index.get(character));
    held = heldBy(model, machine, unitNow(), known.length);
    free.aim(ids);
    if (held) other.aim(ids, held, free);
    const [budget, letters] = started ? [BUDGET, AT_ONCE] : [2, 0];
    started = true;
    const end = performance.now() + budget;
    let more = true;
    for (let n = 0; more && (n < letters || performance.now() < end); n++) more = advance();
    view.work("read", more ? readOn() : [].values());
    ask();
    show();
  }

  function ask() {
    const letters = marked();
    const read = letters && known.slice(0, letters[1]).join("");
    elsewhere.ask(letters && { gate: gate(), unit: unitNow(), marked: letters, read });
  }

  const input = view.text("text", { label: "Type here", maxlength: LONGEST });
  input.querySelector("input").addEventListener("input", () => put({ position: LONGEST }));
  const player = view.player("position", {
    label: "Read",
    min: 0,
    max: () => known.length,
    every: 170,
    names: ["text"],
    wrap: 0,
  });
  const options = machine.gates.map((name) => [
    name,
    name === "state" ? name : `${name}, ${GATE_NAMES[name].slice(0, -2)}`,
  ]);
  const select = options.length > 1 ? view.select("gate", { label: "Show", options }) : null;
  view.body.append(view.row(...[input, select, player].filter(Boolean)), stage.box);
  const names = ["text", "position", "gate", "unit", "clamped", "value", "since", "mark_start", "mark_end"];
  view.follow(names, update);
  return () => view.dispose();
}

export default { render };
