// Two weights, a wall of the loss, and gradient descent with and without clipping. See clipping_cliff.py.

import { knob, label } from "./chart.js";
import { courses, DEPTH, landscape, layout, leverAt, outside, rateAt, thresholdAt, uphill, WIDTH } from "./cliff.js";
import { region } from "./contour.js";
import { clamp, fixed, svg } from "./elements.js";
import { clipped, descend, loss, surface, UPDATES } from "./unit.js";
import { View } from "./view.js";

export { clipped, descend, loss, surface };

const LEVELS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
const COARSE = [61, 45];
const FINE = [281, 207]; // columns and rows of the map
const PATIENCE = 700; // milliseconds that a state must have stood to become the ghost
const NAMES = ["w", "b", "rate", "threshold", "clip", "T"];
const MILLI = 1000; // the map is drawn in thousandths of w and b
let count = 0;

function read(model) {
  const [w, b, rate, threshold, clip, T, step] = [...NAMES, "step"].map((name) => model.get(name));
  const options = { w, b, rate, threshold, T };
  return {
    ...options,
    clip,
    step,
    start: { w, b },
    slope: loss(w, b, T),
    free: descend(options, "none"),
    kept: descend(options, clip),
  };
}

const shown = (value) => (value < 5e-4 ? "below 0.001" : fixed(value, 3));

// how long the longest update up to `step` is, and which one
function longest(path, step) {
  let best = { length: 0, n: 0 };
  for (let n = 1; n <= step; n++) {
    const length = Math.hypot(path[n].w - path[n - 1].w, path[n].b - path[n - 1].b);
    if (length > best.length) best = { length, n };
  }
  return best;
}

const kindOf = ({ clip }) => `clipped by ${clip}`;

function findings({ free, kept, step, ...state }, wide) {
  const { length, n } = longest(free, step);
  const end = (path) => `loss ${shown(path[step].L)}`;
  const far = fixed(length, length < 10 ? 1 : 0);
  const flung = step && outside(free[step]) && length > 1;
  const how = flung ? (wide ? `flung ${far} away by update ${n}, ` : `flung ${far} away, `) : "";
  return [`unclipped: ${how}${end(free)}`, `${kindOf(state)}: ${end(kept)}`];
}

function summarise(state) {
  const { w, b, free, step } = state;
  const top = Math.max(...free.slice(0, step + 1).map(({ norm }) => norm));
  const away = outside(free[step]) ? ", outside the map" : "";
  return (
    `Start w = ${fixed(w)}, b = ${fixed(b)}. ${step} updates without clipping: largest gradient ${fixed(top, top < 10 ? 2 : 0)}, ` +
    `loss ${shown(free[0].L)} → ${shown(free[step].L)}${away}; ${kindOf(state)}: ${shown(state.kept[step].L)}.`
  );
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("cc");
  let place = layout(900);
  let state = read(model);
  let ghost = null;
  let held = false; // in this drag the ghost is there already
  let changed = Number.NEGATIVE_INFINITY;
  const release = () => (held = false);

  // the map: coarse in the first frames, then fine; kept for each T
  const id = `cc-map-${++count}`;
  const clip = svg("rect", {});
  const regions = LEVELS.map((_, n) =>
    svg("path", { class: "cc-level", "fill-rule": "evenodd", style: `--level: ${n + 1}` }),
  );
  const map = svg("g", {}, regions);
  const kept = new Map();
  function* outlines(T, [columns, rows]) {
    const values = yield* surface(WIDTH, DEPTH, columns, rows, T);
    const across = ((WIDTH[1] - WIDTH[0]) * MILLI) / (columns - 1);
    const up = (2 * DEPTH * MILLI) / (rows - 1);
    const spot = (c, r) => [c * across, 2 * DEPTH * MILLI - r * up];
    const found = [];
    for (const level of LEVELS) {
      found.push(region(values, columns, rows, level, spot));
      yield;
    }
    return found;
  }
  const show = (found) => found.forEach((d, n) => regions[n].setAttribute("d", d));
  function* draw(T) {
    show(yield* outlines(T, COARSE));
    const fine = yield* outlines(T, FINE);
    kept.set(T, fine);
    show(fine);
  }
  view.bind("T", (T) => {
    view.work("map", kept.has(T) ? [].values() : draw(T)); // gives up the map of another T
    if (kept.has(T)) show(kept.get(T));
  });

  const stage = view.stage("The loss over two weights, and two descents", (width) => {
    place = { ...layout(width), clip: `url(#${id})` };
    const box = place.map;
    const frame = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
    for (const [name, value] of Object.entries(frame)) clip.setAttribute(name, value);
    map.setAttribute("transform", `translate(${box.left},${box.top}) scale(${place.unit / MILLI})`);
    const [first, second] = findings(state, place.roomy);
    const [x, size] = place.wide ? [place.norm.x.range[0] - 30, place.roomy ? 14 : 12.5] : [0, 12];
    const all = { ...state, ghost };
    const area = ({ x, y }) => ({
      class: "rf-field",
      x: x.range[0],
      y: y.range[1],
      width: x.range[1] - x.range[0],
      height: y.range[0] - y.range[1],
    });
    return {
      height: place.height,
      marks: [
        ...landscape(place, all),
        ...courses(place, all),
        label("first", x, place.wide ? 18 : 13, first, { class: "cc-free rf-strong", "font-size": size }),
        label("second", x, place.wide ? 40 : 31, second, { class: "cc-kept rf-strong", "font-size": size }),
        { key: "normfield", node: normField, attributes: area(place.norm) },
        { key: "lossfield", node: lossField, attributes: area(place.loss) },
        { key: "limit", node: limit, attributes: { transform: `translate(${thresholdAt(place, state.threshold)})` } },
        { key: "rate", node: lever, attributes: { transform: `translate(${leverAt(place, state)})` } },
        { key: "start", node: start, attributes: { transform: `translate(${place.at(state.w, state.b)})` } },
      ],
    };
  });
  stage.root.prepend(svg("clipPath", { id }, clip), map);

  const put = (name, value, low, high) => view.set(name, clamp(value, low, high));
  const hundredth = (value) => Math.round(value * 100) / 100;
  const moveTo = (w, b) => {
    put("w", hundredth(w), ...WIDTH);
    put("b", hundredth(b), -DEPTH, DEPTH);
  };
  const by = (dw, db) => () => moveTo(model.get("w") + dw, model.get("b") + db);
  const start = view.handle(stage, {
    label: "Start: left and right w, up and down b",
    names: ["w", "b"],
    min: WIDTH[0],
    max: WIDTH[1],
    step: 0.02,
    get: () => model.get("w"),
    set: (w) => moveTo(w, model.get("b")),
    text: (w) => `w = ${fixed(w)}, b = ${fixed(model.get("b"))}`,
    keys: { ArrowUp: by(0, 0.02), ArrowDown: by(0, -0.02) },
    shape: knob(9, "start"),
  });
  view.drag(stage, start, (x, y) => moveTo(...place.value(x, y)), {
    focus: () => start.focus({ preventScroll: true }),
    end: release,
  });

  // a handle on a logarithmic scale; pull(x, y) is the value that a pointer at this place means
  const digits = (value) => Number(value.toPrecision(2));
  const logarithmic = (name, [low, high], { label, told, shape, pull }) => {
    const set = (log) => put(name, digits(10 ** log), low, high);
    const node = view.handle(stage, {
      label,
      names: [name],
      min: Math.log10(low),
      max: Math.log10(high),
      step: 0.05,
      get: () => Math.log10(model.get(name)),
      set,
      text: () => `${told} ${fixed(model.get(name))}`,
      shape,
    });
    view.drag(stage, node, (x, y) => set(Math.log10(pull(x, y))), {
      focus: () => node.focus({ preventScroll: true }),
      end: release,
    });
    return node;
  };
  // pulled uphill, like a catapult
  const lever = logarithmic("rate", [0.02, 2], {
    label: "Learning rate",
    told: "learning rate",
    shape: svg("circle", { class: "rf-knob lever", r: 8 }),
    pull: (x, y) => {
      const [sx, sy] = place.at(state.w, state.b);
      const [dx, dy] = uphill(place, state);
      return rateAt(place, (x - sx) * dx + (y - sy) * dy);
    },
  });
  const limit = logarithmic("threshold", [0.05, 5], {
    label: "Threshold of clipping",
    told: "threshold",
    shape: svg("path", { class: "cc-limit", d: "M-8,0 L0,-8 L8,0 L0,8 Z" }),
    pull: (_, y) => place.norm.y.invert(y),
  });

  // scrub in the charts
  const [normField, lossField] = [svg("rect"), svg("rect")];
  const scrub = (chart) => (x) => view.set("step", clamp(Math.round(place[chart].x.invert(x)), 0, UPDATES));
  view.drag(stage, normField, scrub("norm"));
  view.drag(stage, lossField, scrub("loss"));

  const lengths = model.get("controls").T.values;
  view.body.append(
    stage.box,
    view.row(
      view.player("step", { label: "Update", min: 0, max: () => UPDATES, every: 220 }),
      view.radios("clip", {
        label: "Clip",
        hidden: true,
        options: [
          ["norm", "by norm"],
          ["value", "by value"],
        ],
      }),
      view.select("T", { label: "T", options: lengths.map((T) => [T, T]) }),
    ),
  );
  view.on(NAMES, () => {
    const now = performance.now();
    if (view.dragging ? !held : now - changed > PATIENCE) ghost = { free: state.free, kept: state.kept };
    held = view.dragging;
    changed = now;
  });
  view.follow([...NAMES, "step"], () => {
    state = read(model);
    stage.show({ moves: !view.dragging });
    view.say(summarise(state));
  });
  return () => view.dispose();
}

export default { render };
