// A two-unit RNN over three steps: forward, then back to each use of one weight. See unroll_stepper.py.

import { fixed, svg } from "./elements.js";
import { journey, lanes, stack } from "./lanes.js";
import { LANES, edges, layout, units } from "./unrolled.js";
import { gradient, locate, spoken } from "./paths.js";
import { stillness } from "./stage.js";
import { View } from "./view.js";

export { gradient };

const ARRAYS = ["W_x", "W_h", "b", "W_hq", "b_q", "x", "h_0"];
const PULSE = 130; // milliseconds per factor
const SLOWNESS = 0.012; // how much a weight changes per pixel

function summarise(model, result) {
  const { run, weight, terms, total, difference } = result;
  const step = model.get("step");
  if (step <= 3) {
    const [one, two] = [...run.h[step]].map((value) => fixed(value, 3));
    return `Forward, t = ${step}: the state is now (${one}, ${two}).`;
  }
  if (step === 4)
    return `The prediction is ${fixed(run.output, 3)}, the target ${fixed(model.get("y"), 3)}: the loss is ${fixed(run.loss, 4)}.`;
  const { t, paths, value, difference: single } = terms[step - 5];
  const agrees = (a, b) => (Math.abs(a - b) < 1e-6 ? "agrees" : "disagrees");
  const count = paths.length === 1 ? "one path carries" : `${paths.length} paths carry`;
  if (step < 7)
    return `${spoken(weight)}, used at t = ${t}: ${count} ${fixed(value, 4)}; nudging this use alone gives ${fixed(single, 4)}, which ${agrees(value, single)}.`;
  return `${spoken(weight)}: its uses add up to ${fixed(total, 4)}; nudging the weight itself gives ${fixed(difference, 4)}, which ${agrees(total, difference)}.`;
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("us");
  const trained = Object.fromEntries(["W_x", "W_h", "b"].map((name) => [name, JSON.stringify(model.get(name))]));
  const changed = () => Object.entries(trained).some(([name, text]) => JSON.stringify(model.get(name)) !== text);
  const before = gradient(model); // what the ghost shows
  let [place, result] = [layout(900), gradient(model)];

  const stage = view.stage("The two-unit network unrolled over three time steps", (width) => {
    place = layout(width);
    const step = model.get("step");
    const path = model.get("path");
    const state = { step, path, result, place };
    const ghost = changed() && before.weight.text === result.weight.text ? before : null;
    const [wx, wy] = place.edge(result.weight, step > 4 ? 8 - step : 2);
    return {
      height: place.height,
      marks: [
        ...edges(state),
        ...hits.map(({ node, weight, t }) => ({
          key: `hit ${weight} ${t}`,
          node,
          attributes: { d: place.line(locate(weight), t) },
        })),
        ...units(state),
        ...lanes(state),
        ...stack(state, ghost),
        ...laneHits.map((node, n) => ({ key: `lane ${n}`, node, attributes: place.laneBox(n) })),
        { key: "pulse", node: pulse, attributes: {} },
        {
          key: "reset",
          node: reset,
          attributes: { transform: `translate(${place.reset})`, visibility: changed() ? "visible" : "hidden" },
        },
        {
          key: "path",
          node: pathHandle,
          attributes: {
            transform: `translate(${place.pathAt(Math.max(0, step - 5))})`,
            visibility: step > 5 ? "visible" : "hidden",
          },
        },
        { key: "weight", node: handle, attributes: { transform: `translate(${wx},${wy})` } },
      ],
    };
  });

  // a pulse runs back from the loss along the path, and multiplies factor by factor
  const [there, here] = [svg("circle", { r: 7 }), svg("circle", { r: 5 })];
  const product = svg("text", { "font-size": 13, "text-anchor": "middle" });
  const pulse = svg("g", { class: "us-pulse", visibility: "hidden" }, there, here, product);
  function* run() {
    const step = model.get("step");
    if (step < 5) return; // it went back before the first frame
    const stops = journey(place, result.terms[step - 5], step - 5, model.get("path"));
    const begin = performance.now();
    pulse.setAttribute("class", `us-pulse ${LANES[step - 5]}`);
    pulse.setAttribute("visibility", "visible");
    for (;;) {
      const at = (performance.now() - begin) / PULSE;
      const n = Math.floor(at);
      if (n >= stops.length - 1) break;
      const between = (name) => stops[n][name].map((v, i) => v + (stops[n + 1][name][i] - v) * (at - n));
      for (const [circle, name] of [
        [there, "network"],
        [here, "lane"],
      ]) {
        const [x, y] = between(name);
        circle.setAttribute("cx", x);
        circle.setAttribute("cy", y);
      }
      const [x, y] = between("lane");
      product.setAttribute("x", x);
      product.setAttribute("y", y - 14);
      product.textContent = fixed(stops[n].product, 3);
      yield "frame";
    }
    pulse.setAttribute("visibility", "hidden");
  }
  const travel = () => {
    pulse.setAttribute("visibility", "hidden");
    if (model.get("step") > 4 && !stillness() && stage.width) view.work("pulse", run());
  };
  view.on(["step", "path", "weight"], () => travel());

  // click an edge: it becomes the weight that is looked at
  const hits = [];
  for (let t = 1; t <= 3; t++)
    for (const weight of ["W_x[0,0]", "W_x[0,1]", "W_h[0,0]", "W_h[0,1]", "W_h[1,0]", "W_h[1,1]"]) {
      const node = svg("path", { class: "us-hit", onclick: () => view.set("weight", weight) });
      hits.push({ node, weight, t });
    }
  const value = () => {
    const { name, index } = locate(model.get("weight"));
    return model.get(name).flat()[index];
  };
  const put = (number) => {
    const { name, i, j } = locate(model.get("weight"));
    const rounded = Math.round(Math.min(2, Math.max(-2, number)) * 1000) / 1000;
    const array = structuredClone(model.get(name));
    if (i === null) array[j] = rounded;
    else array[i][j] = rounded;
    view.set(name, array);
  };

  // drag the value that stands at the edge, upwards for more
  const number = svg("text", { class: "us-chip-text on", y: 5, "font-size": 13, "text-anchor": "middle" });
  const handle = view.handle(stage, {
    label: "Value of the chosen weight",
    names: ["weight", "W_x", "W_h", "b"],
    min: -2,
    max: 2,
    step: 0.05,
    get: value,
    set: put,
    text: (w) => `${spoken(locate(model.get("weight")))}: ${fixed(w, 2)}`,
    shape: [
      svg("rect", { class: "us-chip", x: -22, y: -11, width: 44, height: 22, rx: 11 }),
      number,
      svg("path", { class: "us-arrows", d: "M-4,-15 L0,-20 L4,-15 M-4,15 L0,20 L4,15" }),
    ],
  });
  view.follow(["weight", "W_x", "W_h", "b"], () => (number.textContent = fixed(value(), 2)));
  let from = null;
  view.drag(
    stage,
    handle,
    (x, y) => {
      from ??= { at: x - y, value: value() };
      put(from.value + (x - y - from.at) * SLOWNESS);
    },
    { focus: () => handle.focus({ preventScroll: true }), end: () => (from = null) },
  );

  // the paths of a use: click its lane for the next one
  const reach = (n) => () => {
    const count = 2 ** n;
    if (model.get("step") === 5 + n) view.set("path", (Math.min(model.get("path"), count - 1) + 1) % count);
    else view.set("step", 5 + n);
  };
  const laneHits = [0, 1, 2].map((n) => svg("rect", { class: "us-lane-hit", onclick: reach(n) }));
  const pathHandle = view.handle(stage, {
    label: "Path that is spelt out",
    names: ["path", "step"],
    min: 0,
    max: () => Math.max(0, 2 ** (model.get("step") - 5) - 1),
    get: () => Math.min(model.get("path"), Math.max(0, 2 ** (model.get("step") - 5) - 1)),
    set: (path) => view.set("path", path),
    text: (path) => `path ${path + 1}`,
    shape: svg("path", { class: "us-next", d: "M-4,-5 L3,0 L-4,5 Z" }),
  });
  pathHandle.style.pointerEvents = "none";
  const reset = view.pick(
    "Put the trained weights back",
    () => {
      for (const [name, text] of Object.entries(trained)) model.set(name, JSON.parse(text));
      model.save_changes();
    },
    { width: 96, height: 22 },
  );
  reset.append(
    svg("text", { class: "us-reset", x: 48, y: 15, "font-size": 12.5, "text-anchor": "middle" }, "↺ as trained"),
  );

  const names = { W_x: "W_xh", W_h: "W_hh", b: "b_h" };
  const kinds = { W_x: "from the input", W_h: "from the state", b: "bias" };
  const options = ["W_x[0,0]", "W_x[0,1]", "W_h[0,0]", "W_h[0,1]", "W_h[1,0]", "W_h[1,1]", "b[0]", "b[1]"].map(
    (weight) => {
      const { name, i, j } = locate(weight);
      const ends = name === "W_h" ? `${i + 1}→${j + 1}` : name === "W_x" ? `→${j + 1}` : j + 1;
      return [weight, `${names[name]} ${ends}`, kinds[name]];
    },
  );
  view.body.append(
    stage.box,
    view.row(
      view.player("step", { min: 1, max: () => 7, every: 1400 }),
      view.select("weight", { label: "Weight", options }),
      view.checkbox("keep_slope", { label: "slopes φ′" }),
    ),
  );
  view.follow(["step", "weight", "path", "keep_slope", "y", ...ARRAYS], () => {
    result = gradient(model);
    stage.show({ moves: !view.dragging });
    view.say(summarise(model, result));
  });
  return () => view.dispose();
}

export default { render };
