// The tree that beam search grows: what it keeps, what it prunes, and how a pruned branch would have ended. See beam_explorer.py.

import { grow, growing, ranked } from "./beam.js";
import { PRUNED, ROWS, lane, layout, number, rowOf, table, tree } from "./branches.js";
import { label, scale } from "./chart.js";
import { clamp, fixed, svg } from "./elements.js";
import { EOS, Translator } from "./seq2seq.js";
import { View } from "./view.js";

export { Translator, grow, ranked };

const LONGEST = 60; // symbols of a source that are read
const LIMIT = 120; // symbols of a translation
const BUDGET = 5; // milliseconds of search before the picture is shown; the rest comes in the next frames
const END = "∎";

const quoted = (text) => `“${text.length > 26 ? `${text.slice(0, 24)}…` : text}”`;

// what the picture says in one line, which has room for `room` letters
export function finding({ winner, greedy, opened, path, penalty, text, leading }, room = 110) {
  const fitting = (all, short) => (all.length > room ? short : all);
  if (!winner && leading) {
    const sofar = quoted(text(leading));
    return fitting(`So far the likeliest: ${sofar}`, `So far ${sofar}`);
  }
  if (!winner) return "Nothing is written yet";
  const score = (branch) => number(branch.logP / branch.ids.length ** penalty);
  if (opened) {
    const better = opened.logP / opened.ids.length ** penalty - winner.score;
    const name = text(opened.ids);
    const like = "Reopened, it ends like the winner";
    if (Math.abs(better) < 1e-9) return fitting(`${like}: ${quoted(name)}`, like);
    const [verdict, short] =
      better > 0
        ? [`${score(opened)} beats ${score(winner)}: a search error`, "a search error"]
        : [`${score(opened)}, the winner has ${score(winner)}: rightly pruned`, "rightly pruned"];
    const all = `Reopened at ${quoted(text(path))}: ${quoted(name)}, ${verdict}`;
    return fitting(all, `${score(opened)} against ${score(winner)}: ${short}`);
  }
  if (!greedy) return `The best: ${quoted(text(winner.ids))}`;
  if (text(greedy.ids) === text(winner.ids)) {
    return fitting(`The beam finds what greedy search finds: ${score(winner)}`, `Like greedy search: ${score(winner)}`);
  }
  const [one, two] = [`${score(winner)}`, `${score(greedy)}`];
  const all = `The beam finds ${quoted(text(winner.ids))}, ${one}; greedy search ${quoted(text(greedy.ids))}, ${two}`;
  return fitting(all, `The beam ${one}, greedy search ${two}`);
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("be");
  const translator = new Translator(model.get("network"));
  const runs = { greedy: {}, beam: {}, opened: {} };
  let source = null;
  let state = null;
  let [quiet, follower] = [false, null];

  // ---- searching ----
  function need(run, key, options) {
    const name = JSON.stringify(key);
    if (run.name === name) return;
    Object.assign(run, { name, tree: null, done: !options });
    if (options) run.job = growing(translator, source.memory, { limit: LIMIT, ...options });
  }
  const advance = () => {
    for (const run of [runs.beam, runs.greedy, runs.opened])
      if (!run.done) {
        const { done, value } = run.job.next();
        if (value) run.tree = value;
        run.done = done || run.tree.done;
        return true;
      }
    return false;
  };

  function aim() {
    const [text, width, begin, reopened] = view.get("text", "width", "prefix", "reopened");
    if (source?.text !== text) {
      source = { text, ...translator.source.cut(text) };
      source.ids.length = Math.min(source.ids.length, LONGEST);
      source.memory = translator.encode(source.ids);
    }
    const forced = translator.target.cut(begin);
    const prefix = forced.ids.slice(0, LIMIT - 1);
    const ended = reopened.endsWith(END);
    const path = translator.target.cut(reopened.replaceAll(END, "")).ids.slice(0, LIMIT - 1);
    need(runs.beam, [text, width, prefix], { width, prefix, pruned: PRUNED });
    need(runs.greedy, [text, prefix], { width: 1, prefix, pruned: 0 });
    // a branch that had ended already is searched for its probability only
    const options = { width: ended ? 1 : width, prefix: path, pruned: ended ? translator.target.list.length : 0 };
    need(runs.opened, [text, width, path, ended], path.length || ended ? options : null);
    return { unknown: [...source.unknown, ...forced.unknown], path: ended ? [...path, EOS] : path, ended };
  }

  // ---- what is shown ----
  function endOf(run, ended, path) {
    if (!run.done || !run.tree) return null;
    if (!ended) return ranked(run.tree.finished, model.get("length_penalty"))[0];
    return run.tree.steps[path.length - 1]?.find(({ symbol }) => symbol === EOS) ?? null;
  }
  function read({ unknown, path, ended }) {
    const penalty = model.get("length_penalty");
    const { steps, finished } = runs.beam.tree ?? { steps: [], finished: [] };
    const grown = Math.min(model.get("step"), steps.length);
    const list = ranked(
      finished.filter(({ ids }) => ids.length <= grown),
      penalty,
    );
    const whole = runs.beam.done && grown === steps.length;
    const cut = [];
    for (let t = 0; t < grown; t++)
      steps[t].forEach((branch, n) => {
        if (!branch.kept && rowOf(steps[t], n, model.get("width")) < model.get("width") + PRUNED)
          cut.push({ branch, t, n });
      });
    const name = ({ ids }) => translator.target.text(ids) + (ids.at(-1) === EOS ? END : "");
    return {
      steps,
      grown,
      list,
      penalty,
      path,
      unknown: [...new Set(unknown)],
      winner: whole ? list[0] : null,
      greedy: runs.greedy.done && whole ? ranked(runs.greedy.tree.finished, penalty)[0] : null,
      opened: path.length ? endOf(runs.opened, ended, path) : null,
      text: (ids) => translator.target.text(ids),
      leading: grown ? steps[grown - 1][0].ids : null,
      cut: cut.map((one) => ({ ...one, name: name(one.branch) })),
    };
  }
  state = read(aim());

  let place = layout(900, { count: 12, grown: 12, opened: 0, beam: 3 });
  let kappa = scale([0, 1.5], place.track);
  const chosen = () => state.cut.findIndex(({ name }) => name === model.get("reopened"));
  const stage = view.stage("The tree of the beam, and what has ended", (width) => {
    const { steps, grown, path, penalty, unknown } = state;
    const length = Math.max(steps.length, state.opened?.ids.length ?? 0, 8);
    place = layout(width, { count: length, grown, opened: path.length, beam: model.get("width") });
    kappa = scale([0, 1.5], place.track);
    const { wide, x, y, top, lane: below } = place;
    const room = wide ? 110 : Math.floor(width / 7.8);
    const at = clamp(grown, place.from, place.to);
    const one = state.cut[chosen()];
    const ringAt =
      one && one.t >= place.from && one.t < place.to
        ? [x(one.t), y(rowOf(steps[one.t], one.n, place.beam))]
        : [place.left + 4, below];
    const told = unknown.length ? `not known: ${unknown.slice(0, 5).join(" ")}` : "";
    return {
      height: place.height,
      marks: [
        label("finding", 0, 16, finding(state, room), { class: "be-finding rf-strong", "font-size": wide ? 15 : 12 }),
        label("unknown", width, wide ? 16 : 33, told, { "text-anchor": "end" }),
        ...tree(place, translator, { steps, grown, winner: state.winner, reopened: path }),
        ...lane(place, translator, { steps, path, best: state.opened, grown }),
        label("hint", place.left + 24, below + 5, path.length ? "" : "click a pruned symbol to reopen it"),
        ...table(place, translator, { ...state, trackAt: kappa(penalty) }),
        {
          key: "field",
          node: field,
          attributes: { class: "rf-field", x: place.left, y: top, width: width - place.left, height: below + 12 - top },
        },
        {
          key: "cursorline",
          node: line,
          attributes: { transform: `translate(${x(at) - place.gap / 2},0)`, d: `M0,${top - 8} V${below + 10}` },
        },
        { key: "ring", node: ring, attributes: { transform: `translate(${ringAt})` } },
        { key: "step", node: cursor, attributes: { transform: `translate(${x(at) - place.gap / 2},${top - 10})` } },
        {
          key: "kappahandle",
          node: knob,
          attributes: { transform: `translate(${kappa(penalty)},${place.table - 9})` },
        },
      ],
    };
  });

  // ---- the reader's hand ----
  const put = (values) => {
    quiet = true;
    const changed = Object.entries(values).filter(([name, value]) => model.get(name) !== value);
    for (const [name, value] of changed) view.set(name, value);
    quiet = false;
    if (changed.length) update();
  };
  const most = () => Math.max(1, state.steps.length);
  const line = svg("path", { class: "be-cursor" });
  const cursor = view.handle(stage, {
    label: "Signs written",
    twin: false,
    names: ["step", "text", "width", "prefix"],
    min: 0,
    max: most,
    get: () => state.grown,
    set: (step) => put({ step: Math.round(step) }),
    text: (step) => `${step} of ${state.steps.length} symbols`,
    at: (px) => clamp(place.from + Math.round((px - place.left) / place.gap), 0, most()),
    shape: [
      svg("circle", { class: "rf-knob", r: 8 }),
      svg("path", { class: "be-grip", d: "M-2,-3 L-5,0 L-2,3 M2,-3 L5,0 L2,3" }),
    ],
  });
  const knob = view.handle(stage, {
    label: "Length penalty",
    names: ["length_penalty"],
    min: 0,
    max: 1.5,
    step: 0.1,
    get: () => model.get("length_penalty"),
    set: (value) => put({ length_penalty: Math.round(10 * value) / 10 }),
    text: (value) => fixed(value, 1),
    at: (px) => clamp(kappa.invert(px), 0, 1.5),
    shape: svg("circle", { class: "rf-knob", r: 8 }),
  });
  const open = (n) => put({ reopened: state.cut[n]?.name ?? "" });
  const ring = view.handle(stage, {
    label: "Pruned branch to reopen, none at 0",
    names: ["reopened", "text", "width", "prefix", "step"],
    min: 0,
    max: () => state.cut.length,
    get: () => chosen() + 1,
    set: (n) => open(Math.round(n) - 1),
    text: (n) => (n ? `${state.cut[n - 1]?.name ?? ""}, number ${n} of ${state.cut.length}` : "none"),
    shape: svg("rect", { class: "be-ring", x: -11, y: -12, width: 22, height: 24, rx: 5 }),
  });
  ring.querySelector(".rf-grip").setAttribute("r", 13);
  ring.style.pointerEvents = "none";
  const field = svg("rect");
  field.addEventListener("click", (event) => {
    const [px, py] = stage.place(event);
    const t = place.from + Math.floor((px - place.left) / place.gap);
    const row = Math.floor((py - place.top) / place.pitch);
    const n = state.cut.findIndex((one) => one.t === t && rowOf(state.steps[t], one.n, place.beam) === row);
    ring.focus({ preventScroll: true });
    open(n === chosen() ? -1 : n);
  });

  // ---- what follows a change ----
  function summary() {
    const { list, penalty, greedy } = state;
    const best = list[0]
      ? `Best of ${list.length} that have ended: ${quoted(state.text(list[0].ids))}, score ${number(list[0].score)}.`
      : "Nothing has ended yet.";
    const also =
      greedy && !state.opened ? ` Greedy search: ${number(greedy.logP / greedy.ids.length ** penalty)}.` : "";
    return `${finding(state, 84)}. After ${state.grown} symbols of ${state.steps.length}. ${best}${also}`;
  }
  function show(what) {
    state = read(what);
    stage.show({ moves: !view.dragging });
    follower?.();
    if (runs.beam.done && runs.greedy.done && runs.opened.done) view.say(summary());
  }
  function* goOn(what) {
    let n = 0;
    while (advance()) {
      if (++n % 8 === 0) show(what);
      yield;
    }
    show(what);
  }
  function update() {
    if (quiet) return;
    const what = aim();
    const end = performance.now() + BUDGET;
    let more = true;
    while (more && performance.now() < end) more = advance();
    show(what);
    view.work("search", more ? goOn(what) : [][Symbol.iterator]());
  }

  const names = ["text", "width", "length_penalty", "step", "prefix", "reopened"];
  view.follow(names, update);
  const input = view.text("text", { label: "Chinese", maxlength: LONGEST });
  input.querySelector("input").addEventListener("input", () => put({ reopened: "" }));
  const width = view.range("width", { label: "Width", min: 1, max: ROWS });
  const player = view.player("step", {
    label: "Grow",
    min: 0,
    max: most,
    every: 500,
    names,
    wrap: 0,
    format: (step) => `${step} of ${state.steps.length}`,
  });
  follower = player.update;
  view.more(view.text("prefix", { label: "Begin with", maxlength: 40 }));
  view.body.append(view.row(input, width, player), stage.box);
  return () => view.dispose();
}

export default { render };
