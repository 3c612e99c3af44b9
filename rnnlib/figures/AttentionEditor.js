// A row of attention that can be dragged: the translation is decoded again, beside the old one. See attention_editor.py.

import { label } from "./chart.js";
import { difference, shared } from "./compare.js";
import { clamp, svg, unpack } from "./elements.js";
import {
  candidates,
  layout,
  links,
  neighbours,
  percent,
  positionAt,
  row,
  shownSign,
  signOf,
  stepAt,
  translations,
} from "./looking.js";
import { finding, nearestStates, parseEdits, pinned, words, writeEdits } from "./rows.js";
import { EOS, Translator, decode, decoding } from "./seq2seq.js";
import { mark } from "./stage.js";
import { View } from "./view.js";

export { Translator, decode, difference, nearestStates, parseEdits, pinned, shared, writeEdits };

const LONGEST = 80; // symbols of a source that are read
const BUDGET = 5; // milliseconds of decoding before the picture is shown; the rest comes in the next frames
const LIMIT = 160; // symbols of a translation

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("ae");
  const network = model.get("network");
  const translator = new Translator(network);
  const table = network.states && { ...network.states, m: unpack(network.states.m) };
  let [source, memory] = [null, null];
  const free = { moments: [], done: false };
  const other = { moments: [], done: false };
  let onPosition = true; // what the window over a long source follows: the chosen symbol, or where the model looks
  let shown = {};
  let [state, near, undoing, follower] = [null, null, false, null];

  // ---- reading and decoding ----
  const looksOf = (edits) => (t) => {
    const pins = edits.get(t);
    return pins ? (own) => pinned(own, pins) : null;
  };

  // begin a decoding anew from its first `kept` moments
  function restart(run, kept, options) {
    run.moments.length = kept;
    run.options = JSON.stringify(options.key);
    run.job = decoding(translator, memory, { moments: run.moments, limit: LIMIT, ...options });
    run.done = false;
  }

  function aim() {
    const [text, prefix, edited] = view.get("text", "prefix", "edits");
    if (source?.text !== text) {
      source = { text, ...translator.source.cut(text) };
      source.ids.length = Math.min(source.ids.length, LONGEST);
      memory = translator.encode(source.ids);
      restart(free, 0, { key: text });
      other.options = null;
    }
    const edits = parseEdits(edited);
    const forced = translator.target.cut(prefix);
    const key = [text, forced.ids, [...edits]];
    if (other.options !== JSON.stringify(key)) {
      const first = Math.min(...edits.keys(), forced.ids.length ? 0 : Infinity);
      const kept = Math.min(first, free.moments.length);
      other.moments.splice(0, Infinity, ...free.moments.slice(0, kept));
      restart(other, kept, { key, prefix: forced.ids, looks: looksOf(edits) });
    }
    return { edits, forced };
  }

  const advance = () => {
    for (const run of [other, free])
      if (!run.done) {
        run.done = run.job.next().done;
        return true;
      }
    return false;
  };

  // ---- what is shown ----
  function read({ edits, forced }) {
    const after = other.moments.map(({ symbol }, t) => ({
      sign: signOf(translator, symbol),
      forced: t < forced.ids.length,
    }));
    const before = free.moments.map(({ symbol }) => ({ sign: signOf(translator, symbol) }));
    if (other.done && free.done) {
      const [same, sameBefore] = shared(
        after.map(({ sign }) => sign),
        before.map(({ sign }) => sign),
      );
      same.forEach((kept, t) => (after[t].changed = !kept));
      sameBefore.forEach((kept, t) => (before[t].changed = !kept));
    }
    const step = clamp(model.get("step"), 0, Math.max(0, after.length - 1));
    const moment = other.moments[step];
    const alike = step < free.moments.length && before.slice(0, step).every(({ sign }, t) => sign === after[t].sign);
    const best = moment
      ? moment.p
          .map((p, k) => ({ sign: signOf(translator, k), k, p }))
          .slice(EOS)
          .sort((one, two) => two.p - one.p)
      : [];
    return {
      symbols: source.ids.map((k) => translator.source.list[k]),
      unknown: [...new Set([...source.unknown, ...forced.unknown])],
      edits,
      forced: forced.ids.length > 0,
      prefix: forced.ids,
      after,
      before,
      step,
      moment,
      best,
      old: alike ? free.moments[step].p : null,
      touched: new Set(edits.keys()),
    };
  }
  const positionNow = () => clamp(model.get("position"), 0, Math.max(0, source.ids.length - 1));
  const weightNow = () => Math.round(100 * (state?.moment?.weights[positionNow()] ?? 0));

  state = read(aim());
  let place = layout(900, { signs: 12, letters: 23, step: 0, looked: 0 });
  const stage = view.stage("The source with a row of attention, the translation now and before", (width) => {
    const { symbols, after, before, step, moment, best, old, edits } = state;
    const position = positionNow();
    const looked = view.dragging
      ? place.looked
      : onPosition
        ? position
        : (moment?.weights.indexOf(Math.max(...moment.weights)) ?? 0);
    place = {
      ...layout(width, { signs: symbols.length, letters: Math.max(after.length, before.length), step, looked }),
      looked,
    };
    const { bars, wide, target, source: across } = place;
    const edited = edits.has(step);
    const inSight = position >= across.from && position < across.to ? "visible" : "hidden";
    const unknown = state.unknown.length ? `not known: ${state.unknown.slice(0, 5).join(" ")}` : "";
    const line = finding(state, wide ? 90 : Math.floor(width / 6.9));
    const letters = Math.max(after.length, before.length);
    return {
      height: place.height,
      marks: [
        label("finding", 0, 16, line, { class: "ae-finding rf-strong", "font-size": wide ? 15 : 12 }),
        label("unknown", width, wide ? 16 : 33, unknown, { "text-anchor": "end" }),
        ...links(place, { moments: other.moments, step, edited }),
        ...row(place, { symbols, moment, position }),
        ...translations(place, { after, before, step, touched: state.touched }),
        ...candidates(place, { best, old, chosen: other.moments[step]?.symbol }),
        ...neighbours(place, near),
        ...more("s", across, place, bars.base + 20),
        ...more("t", target, place, place.now + 17),
        field("bars", barField, place.left, 22, width - place.left, bars.base - 22),
        field("signs", signField, place.left, bars.base, width - place.left, 28),
        field(
          "letters",
          letterField,
          place.left,
          place.now - 12,
          Math.max(1, (Math.min(target.to, letters) - target.from) * target.step),
          64,
        ),
        ...picks.slice(0, place.rows).map((node, n) => ({
          key: `pick${n}`,
          node,
          attributes: { transform: `translate(0,${place.list.top + n * place.row})` },
        })),
        {
          key: "undo",
          node: undo,
          attributes: {
            transform: `translate(${width - 92},${wide ? 22 : 20})`,
            visibility: edits.size || state.forced ? "visible" : "hidden",
          },
        },
        {
          key: "position",
          node: ring,
          attributes: { visibility: inSight, transform: `translate(${place.x(position)},${bars.base + 14})` },
        },
        { key: "step", node: frame, attributes: { transform: `translate(${place.u(step)},${place.now + 12})` } },
        {
          key: "weight",
          node: knob,
          attributes: {
            visibility: inSight,
            transform: `translate(${place.x(position)},${place.barTop(weightNow() / 100)})`,
          },
        },
      ],
    };
  });
  const field = (key, node, x, y, width, height) => ({
    key,
    node,
    attributes: { class: "rf-field", x, y, width, height },
  });
  // symbols beyond the window
  const more = (key, { from, to, count }, { width, left }, y) => [
    ...(from > 0 ? [mark("text", `${key}less`, { class: "rf-soft", x: left - 2, y, "font-size": 13 }, "‹")] : []),
    ...(to < count ? [mark("text", `${key}more`, { class: "rf-soft", x: width - 6, y, "font-size": 13 }, "›")] : []),
  ];

  // ---- the reader's hand ----
  const put = (values) => {
    for (const [name, value] of Object.entries(values)) if (model.get(name) !== value) view.set(name, value);
  };
  const weigh = (position, weight) => {
    const edits = parseEdits(model.get("edits"));
    const pins = { ...edits.get(state.step) };
    delete pins[position];
    // those that were pinned before give way
    const rest = Object.values(pins).reduce((sum, value) => sum + value, 0);
    const room = 1 - weight;
    if (rest > room) for (const j of Object.keys(pins)) pins[j] = Math.round((100 * pins[j] * room) / rest) / 100;
    pins[position] = weight;
    edits.set(state.step, pins);
    put({ step: state.step, edits: writeEdits(edits) });
  };
  const choose = (step) => {
    if (!other.moments[step]) return;
    const { weights } = other.moments[step];
    put({ step, position: weights.indexOf(Math.max(...weights)) });
  };

  const knob = view.handle(stage, {
    label: "Weight at the chosen symbol, in percent",
    names: ["text", "step", "position", "edits", "prefix"],
    min: 0,
    max: 100,
    step: 5,
    get: weightNow,
    set: (value) => weigh(positionNow(), Math.round(value) / 100),
    text: (value) => `${value} % at ${state?.symbols[positionNow()] ?? "nothing"}`,
    shape: [
      svg("circle", { class: "rf-knob", r: 8 }),
      svg("path", { class: "ae-grip", d: "M-3,-1.5 L0,-4.5 L3,-1.5 M-3,1.5 L0,4.5 L3,1.5" }),
    ],
  });
  const barField = svg("rect");
  let held = null; // the bar that is being dragged
  const drag = (fixed) => (x, y) => {
    held ??= fixed ? positionNow() : positionAt(place, x);
    put({ position: held });
    weigh(held, Math.round(100 * place.weightAt(y)) / 100);
  };
  const ends = { focus: () => knob.focus({ preventScroll: true }), end: () => (held = null) };
  view.drag(stage, knob, drag(true), ends);
  view.drag(stage, barField, drag(false), ends);

  const ring = view.handle(stage, {
    label: "Chosen symbol of the source",
    names: ["text", "position"],
    min: 0,
    max: () => Math.max(0, source.ids.length - 1),
    get: positionNow,
    set: (position) => put({ position }),
    text: (position) => `${state?.symbols[position] ?? "nothing"}, number ${position + 1}`,
    shape: svg("rect", { class: "ae-ring", x: -11, y: -12, width: 22, height: 25, rx: 4 }),
  });
  ring.querySelector(".rf-grip").setAttribute("r", 13);
  const signField = svg("rect");
  for (const node of [ring, signField])
    view.drag(stage, node, (x) => put({ position: positionAt(place, x) }), {
      focus: () => ring.focus({ preventScroll: true }),
    });

  const frame = view.handle(stage, {
    label: "Symbol of the translation",
    twin: false,
    names: ["step", "text", "edits", "prefix"],
    min: 0,
    max: () => Math.max(0, other.moments.length - 1),
    get: () => state?.step ?? 0,
    set: choose,
    text: (step) => `${state?.after[step]?.sign ?? "nothing"}, number ${step + 1}`,
    shape: svg("rect", { class: "ae-none", x: -9, y: -12, width: 18, height: 25 }),
  });
  frame.querySelector(".rf-grip").setAttribute("r", 14);
  const letterField = svg("rect");
  for (const node of [frame, letterField])
    view.drag(stage, node, (x) => choose(stepAt(place, x)), { focus: () => frame.focus({ preventScroll: true }) });

  const picks = Array.from({ length: 4 }, (_, n) =>
    view.pick(
      "",
      () => {
        const one = state.best[n];
        if (!one) return;
        const start = other.moments.slice(0, state.step).map(({ symbol }) => symbol);
        put({ prefix: translator.target.text([...start, one.k]) });
      },
      { width: 250, height: 22 },
    ),
  );
  const undo = view.pick(
    "Undo: as the model does it by itself",
    () => {
      undoing = true;
      put({ edits: "", prefix: "" });
      undoing = false;
      frame.focus({ preventScroll: true });
    },
    { width: 92, height: 22 },
  );
  undo.append(svg("text", { class: "ae-undo on", x: 86, y: 15, "font-size": 13, "text-anchor": "end" }, "↺ undo"));

  // ---- what follows a change ----
  function summary() {
    const now = words(translator, other.moments);
    const weight = `Symbol ${state.step + 1} gives ${weightNow()} % to “${state.symbols[positionNow()]}”.`;
    const unknown = `It does not know ${state.unknown.slice(0, 3).join(" ")}.`;
    const also = state.unknown.length ? unknown : state.symbols.length ? weight : "";
    return `${finding(state, 60)}. ${also} The translation: “${now.length > 40 ? `${now.slice(0, 38)}…` : now}”.`;
  }

  function show(what) {
    state = read(what);
    near = other.done && table && state.moment?.m ? nearestStates(table, state.moment.m, 4) : near;
    picks.forEach((node, n) => {
      const one = state.best[n];
      node.setAttribute("aria-label", one ? `Force ${shownSign(one.sign)}, ${percent(one.p)}` : "");
    });
    stage.show({ moves: !view.dragging });
    follower?.();
    if (other.done && free.done) view.say(summary());
  }

  function* goOn(what) {
    let n = 0;
    while (advance()) {
      if (++n % 24 === 0) show(what);
      yield;
    }
    show(what);
  }

  function update() {
    if (undoing && (model.get("prefix") || model.get("edits"))) return;
    const [step, position] = view.get("step", "position");
    if (position !== shown.position) onPosition = true;
    else if (step !== shown.step) onPosition = false;
    shown = { step, position };
    const what = aim();
    const end = performance.now() + BUDGET;
    let more = true;
    while (more && performance.now() < end) more = advance();
    show(what);
    view.work("decode", more ? goOn(what) : [][Symbol.iterator]());
  }

  const names = ["text", "step", "position", "edits", "prefix"];
  view.follow(names, update);
  const input = view.text("text", { label: "Chinese", maxlength: LONGEST });
  input.querySelector("input").addEventListener("input", () => put({ edits: "" }));
  const player = view.player("step", {
    label: "Write",
    min: 0,
    max: () => Math.max(1, other.moments.length - 1),
    every: 500,
    names,
    format: (step) => `${step + 1} of ${other.moments.length}`,
  });
  follower = player.update;
  view.more(view.text("prefix", { label: "Begin with", maxlength: 40 }));
  view.body.append(view.row(input, player), stage.box);
  return () => view.dispose();
}

export default { render };
