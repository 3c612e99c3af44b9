// A two-unit RNN over three steps: forward, then back to each use of one weight. See unroll_stepper.py.
import { affine, rnnStep } from "./cells.js";
import { View, diverging, fixed, html, svg } from "./view.js";

const T = 3;
const EPSILON = 1e-5; // of the finite differences, in float64
const ARRAYS = ["W_x", "W_h", "b", "W_hq", "b_q", "x", "h_0"];

// ---- the mathematics ------------------------------------------------------------------------------------------------

function network(model) {
  const flat = Object.fromEntries(ARRAYS.map((name) => [name, Float64Array.from(model.get(name).flat())]));
  return { ...flat, y: model.get("y") };
}

// "W_h[0,1]" -> where the weight stands: from unit i (or input i, or nowhere) to unit j
function locate(weight) {
  const [, name, first, second] = weight.match(/^(\w+)\[(\d)(?:,(\d))?\]$/);
  const [i, j] = second === undefined ? [null, Number(first)] : [Number(first), Number(second)];
  return { name, i, j, index: i === null ? j : 2 * i + j };
}

// The forward pass; at the steps in `uses` the weight is larger by `nudge`.
function forward(net, { name, index }, uses = [], nudge = 0) {
  const nudged = { ...net, [name]: Float64Array.from(net[name]) };
  nudged[name][index] += nudge;
  const h = [net.h_0];
  for (let t = 1; t <= T; t++) {
    const params = uses.includes(t) ? nudged : net;
    h.push(rnnStep(params, [net.x[t - 1]], [h[t - 1]]).state[0]);
  }
  const output = affine(h[T], net.W_hq, net.b_q)[0];
  return { h, output, loss: 0.5 * (output - net.y) ** 2 };
}

function finiteDifference(net, weight, uses) {
  const up = forward(net, weight, uses, EPSILON).loss;
  const down = forward(net, weight, uses, -EPSILON).loss;
  return (up - down) / (2 * EPSILON);
}

// Every path from the weight's use at step k to the loss. A path is the list of units it visits at k, k + 1, …, T and
// the factors of its product.
function pathsFrom(k, net, { h, output }, { name, i, j }, keepSlope) {
  const slope = (t, unit) => ({
    symbol: `φ′(a${at(t)})${on(unit)}`,
    value: keepSlope ? 1 - h[t][unit] ** 2 : 1,
    dropped: !keepSlope,
  });
  const source = {
    W_x: () => ({ symbol: `x${at(k)}`, value: net.x[k - 1] }),
    W_h: () => ({ symbol: `h${at(k - 1)}${on(i)}`, value: h[k - 1][i] }),
    b: () => ({ symbol: "1", value: 1 }),
  }[name]();
  let paths = [{ units: [j], factors: [source, slope(k, j)] }];
  for (let t = k + 1; t <= T; t++) {
    paths = paths.flatMap(({ units, factors }) =>
      [0, 1].map((unit) => {
        const last = units.at(-1);
        const edge = { symbol: `W<sub>hh</sub>${link(last, unit)}`, value: net.W_h[2 * last + unit] };
        return { units: [...units, unit], factors: [...factors, edge, slope(t, unit)] };
      }),
    );
  }
  return paths.map(({ units, factors }) => {
    const readout = { symbol: `W<sub>hq</sub>${on(units.at(-1))}`, value: net.W_hq[units.at(-1)] };
    const all = [...factors, readout, { symbol: "(ŷ − y)", value: output - net.y }];
    return { units, factors: all, value: all.reduce((product, factor) => product * factor.value, 1) };
  });
}

export function gradient(model) {
  const net = network(model);
  const weight = locate(model.get("weight"));
  const run = forward(net, weight);
  const terms = [3, 2, 1].map((t) => {
    const paths = pathsFrom(t, net, run, weight, model.get("keep_slope"));
    const value = paths.reduce((sum, path) => sum + path.value, 0);
    return { t, paths, value, difference: finiteDifference(net, weight, [t]) };
  });
  const total = terms.reduce((sum, term) => sum + term.value, 0);
  return { net, weight, run, terms, total, difference: finiteDifference(net, weight, [1, 2, 3]) };
}

// ---- symbols --------------------------------------------------------------------------------------------------------

const at = (t) => `<sub>${t}</sub>`;
const on = (unit) => `<sup>(${unit + 1})</sup>`;
const link = (from, to) => `<sup>(${from + 1}→${to + 1})</sup>`;
const NAMES = { W_x: "W<sub>xh</sub>", W_h: "W<sub>hh</sub>", b: "b<sub>h</sub>" };
const PLAIN = { W_x: "W_xh", W_h: "W_hh", b: "b_h" };

function symbol({ name, i, j }) {
  return NAMES[name] + (name === "W_h" ? link(i, j) : on(j));
}

function spoken({ name, i, j }) {
  if (name === "W_h") return `${PLAIN[name]} from unit ${i + 1} to unit ${j + 1}`;
  return `${PLAIN[name]} of unit ${j + 1}`;
}

function math(markup, attributes = {}) {
  const node = html("span", { class: "rf-math", ...attributes });
  node.innerHTML = markup; // only symbols written in this file
  return node;
}

// ---- the picture ----------------------------------------------------------------------------------------------------

// where everything stands, for a picture of this width
function layout(width) {
  const radius = Math.max(17, Math.min(27, width / 22));
  const left = radius + 24;
  const gap = (width - left - radius - 2) / (T + 1);
  const row = (unit) => 28 + radius + unit * radius * 3.4;
  return {
    radius,
    size: radius > 22 ? 14 : radius > 18 ? 11.5 : 10,
    column: (t) => left + t * gap,
    row,
    middle: (row(0) + row(1)) / 2,
    inputs: row(1) + radius * 2.9,
    height: row(1) + radius * 4.9,
  };
}

function draw(root, width, model) {
  const result = gradient(model);
  const place = layout(width);
  const step = model.get("step");
  root.setAttribute("viewBox", `0 0 ${width} ${place.height}`);
  root.setAttribute("height", place.height);
  const { lines, factors } = edges(place, result, step, model.get("path"));
  root.replaceChildren(...lines, ...nodes(place, result, step), ...labels(place, result, step), ...factors);
}

// The connections. Those on a path from the weight's use to the loss are green, the weight itself is purple.
function edges(place, { net, weight, terms }, step, path) {
  const { column, row, middle, inputs, radius, size } = place;
  const active = step > 4 ? terms[step - 5] : null;
  const [lines, factors] = [[], []];
  const drawn = { now: 3, done: 2, later: 1, copy: 4, path: 5, spelt: 6, chosen: 7 }; // the later, the further on top
  const connect = (kind, shape, where, factor) => {
    lines.push({ kind, line: svg("path", { class: `us-edge ${kind}`, d: shape }) });
    if (factor === undefined || radius < 20) return;
    const style = { class: "us-factor", "font-size": size - 1.5, "text-anchor": "middle" };
    factors.push(svg("text", { x: where[0], y: where[1] + size * 0.35, ...style }, fixed(factor, 2)));
  };
  const straight = (x1, y1, x2, y2) => {
    const length = Math.hypot(x2 - x1, y2 - y1);
    const [dx, dy] = [((x2 - x1) * radius) / length, ((y2 - y1) * radius) / length];
    return `M${x1 + dx},${y1 + dy} L${x2 - dx},${y2 - dy}`;
  };
  const kindOf = (t, name, i, j, flows) => {
    const same = weight.name === name && weight.j === j && (i === null || weight.i === i);
    if (same) return active?.t === t ? "chosen" : flows || "copy";
    return flows || (t === step ? "now" : t < step ? "done" : "later");
  };
  const spelt = active?.paths[Math.min(path, active.paths.length - 1)];
  const passes = ({ units }, t, i, j) => units[t - 1 - active.t] === i && units[t - active.t] === j;
  const onPath = (t, i, j) =>
    active?.paths.some((path) => passes(path, t, i, j)) && (passes(spelt, t, i, j) ? "spelt" : "path");

  for (let t = 1; t <= T; t++) {
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]) {
      const [x1, y1, x2, y2] = [column(t - 1), row(i), column(t), row(j)];
      const flows = onPath(t, i, j);
      const where = [x1 + (x2 - x1) * 0.36, y1 + (y2 - y1) * 0.36];
      connect(kindOf(t, "W_h", i, j, flows), straight(x1, y1, x2, y2), where, flows ? net.W_h[2 * i + j] : undefined);
    }
    const x = column(t);
    const bend = `M${x - radius * 0.5},${inputs} C${x - 2.4 * radius},${inputs - radius} ${x - 2.2 * radius},${row(0) + 2.2 * radius} ${x - radius * 0.75},${row(0) + radius * 0.7}`;
    connect(kindOf(t, "W_x", 0, 0, false), bend);
    connect(kindOf(t, "W_x", 0, 1, false), `M${x},${inputs} L${x},${row(1) + radius}`);
    if (weight.name === "b") {
      const y = row(weight.j);
      connect(
        kindOf(t, "b", null, weight.j, false),
        `M${x + 1.5 * radius},${y - 1.5 * radius} L${x + radius * 0.72},${y - radius * 0.72}`,
      );
    }
  }
  for (const j of [0, 1]) {
    const flows =
      active?.paths.some(({ units }) => units.at(-1) === j) && (spelt.units.at(-1) === j ? "spelt" : "path");
    const [x1, y1, x2, y2] = [column(T), row(j), column(T + 1), middle];
    const kind = flows || (step === 4 ? "now" : step > 4 ? "done" : "later");
    connect(kind, straight(x1, y1, x2, y2), [(x1 + x2) / 2, (y1 + y2) / 2], flows ? net.W_hq[j] : undefined);
  }
  lines.sort((one, other) => drawn[one.kind] - drawn[other.kind]);
  return { lines: lines.map(({ line }) => line), factors };
}

function nodes({ column, row, middle, inputs, radius, size }, { net, run }, step) {
  const node = (shape, x, y, value, fill, known) => {
    shape.setAttribute("class", known ? "us-node" : "us-node later");
    shape.style.fill = fill;
    const text = svg(
      "text",
      { x, y: y + size * 0.36, "font-size": size, "text-anchor": "middle" },
      known ? fixed(value, 2) : "",
    );
    return [shape, text];
  };
  const box = (x, y) =>
    svg("rect", { x: x - radius, y: y - radius * 0.7, width: 2 * radius, height: radius * 1.4, rx: 7 });
  const parts = [];
  for (let t = 0; t <= T; t++) {
    for (const unit of [0, 1]) {
      const [x, y, value] = [column(t), row(unit), run.h[t][unit]];
      const fill = t <= step ? diverging(value) : "var(--rf-surface)";
      parts.push(node(svg("circle", { cx: x, cy: y, r: radius }), x, y, value, fill, t <= step));
    }
    if (t > 0) parts.push(node(box(column(t), inputs), column(t), inputs, net.x[t - 1], "var(--rf-raised)", true));
  }
  parts.push(node(box(column(T + 1), middle), column(T + 1), middle, run.output, "var(--rf-raised)", step >= 4));
  return parts.flat();
}

function labels({ column, row, middle, inputs, radius, size }, { net, run }, step) {
  const label = (x, y, letter, index, emphasis, anchor = "middle") => {
    const style = {
      class: emphasis ? "rf-math us-now" : "rf-math rf-soft",
      "font-size": size + 2,
      "text-anchor": anchor,
    };
    return svg("text", { x, y, ...style }, letter, svg("tspan", { dy: 4, "font-size": size - 2 }, index));
  };
  const reached = step <= 3 ? step : step > 4 ? 8 - step : null;
  const parts = [0, 1, 2, 3].map((t) => label(column(t), 16, "h", t, t === reached));
  for (const unit of [0, 1]) parts.push(label(0, row(unit) + 5, `(${unit + 1})`, "", false, "start"));
  for (let t = 1; t <= T; t++) parts.push(label(column(t), inputs + radius * 1.55, "x", t, false));
  parts.push(label(column(T + 1), middle - radius - 4, "ŷ", "", step >= 4));
  const small = { class: "rf-soft", "font-size": size - 1, "text-anchor": "middle", x: column(T + 1) };
  parts.push(svg("text", { ...small, y: middle + radius + size * 0.6 }, `y ${fixed(net.y, 2)}`));
  if (step >= 4) parts.push(svg("text", { ...small, y: middle + radius + size * 2 }, `L ${fixed(run.loss, 2)}`));
  return parts;
}

// ---- controls and numbers -------------------------------------------------------------------------------------------

// The weights as tables of radio buttons: choosing one makes it the weight whose gradient is shown.
function weightTable(view, name, rows) {
  const cells = rows.flat().map((weight) => {
    const where = locate(weight);
    const number = html("span", { class: "rf-number" });
    const input = html("input", { type: "radio", name: "weight", value: weight });
    input.addEventListener("change", () => view.set("weight", weight));
    view.bind("weight", (chosen) => (input.checked = chosen === weight));
    view.bind(name, (matrix) => {
      number.textContent = fixed(matrix.flat()[where.index], 2);
      input.setAttribute("aria-label", `${spoken(where)}, now ${number.textContent}`);
    });
    return html("label", { class: "rf-cell" }, input, number);
  });
  return html("div", { class: "us-weights" }, math(NAMES[name]), html("div", { class: "us-grid" }, cells));
}

function weightSlider(view) {
  const name = html("span", { class: "rf-label" });
  const value = html("span", { class: "rf-value" });
  const input = html("input", { type: "range", min: -2, max: 2, step: 0.01 });
  const show = () => {
    const where = locate(view.model.get("weight"));
    const number = view.model.get(where.name).flat()[where.index];
    input.value = number;
    value.textContent = fixed(number, 2);
    input.setAttribute("aria-label", `Value of ${spoken(where)}`);
    name.replaceChildren(math(symbol(where)));
  };
  input.addEventListener("input", () => {
    const { name: array, i, index } = locate(view.model.get("weight"));
    const flat = view.model.get(array).flat();
    flat[index] = Number(input.value);
    view.set(array, i === null ? flat : array === "W_x" ? [flat] : [flat.slice(0, 2), flat.slice(2)]);
  });
  view.on(["weight", "W_x", "W_h", "b"], show);
  show();
  return html("label", { class: "rf-control" }, name, input, value);
}

function stepper(view) {
  const label = html("span", { class: "us-stage" });
  view.bind("step", (step) => (label.innerHTML = STAGES[step - 1])); // only text written in this file
  return html("div", { class: "us-stepper" }, label, view.stepper("step", { min: 1, max: () => 7 }));
}

const STAGES = [
  `Forward: <span class="rf-math">h${at(1)} = φ(x${at(1)} W<sub>xh</sub> + h${at(0)} W<sub>hh</sub> + b<sub>h</sub>)</span>`,
  `Forward: <span class="rf-math">h${at(2)} = φ(x${at(2)} W<sub>xh</sub> + h${at(1)} W<sub>hh</sub> + b<sub>h</sub>)</span>`,
  `Forward: <span class="rf-math">h${at(3)} = φ(x${at(3)} W<sub>xh</sub> + h${at(2)} W<sub>hh</sub> + b<sub>h</sub>)</span>`,
  `The loss: <span class="rf-math">L = ½ (ŷ − y)²,  ŷ = h${at(3)} W<sub>hq</sub> + b<sub>q</sub></span>`,
  `Backward: from the loss to the use of the weight at <span class="rf-math">t = 3</span>`,
  `Backward: from the loss to the use of the weight at <span class="rf-math">t = 2</span>`,
  `Backward: from the loss to the use of the weight at <span class="rf-math">t = 1</span>`,
];

// One row per use of the weight, and their sum: chain rule and finite difference, as bars and as numbers.
function termTable(view, watched) {
  const heading = html("p", { class: "rf-heading" });
  const head = ["use at", "", "chain rule", "difference"].map((text) => html("th", { scope: "col" }, text));
  head[1].append(html("span", { class: "rf-hidden" }, "bar"));
  const rows = [3, 2, 1, "sum"].map((t) => {
    const bar = html("span", { class: "rf-bar" });
    const tick = html("span", { class: "us-tick" });
    const [chain, difference] = [html("td", { class: "rf-number" }), html("td", { class: "rf-number" })];
    const name = t === "sum" ? math("sum") : math(`t = ${t}`);
    const track = html("span", { class: "us-zero" }, bar, tick);
    const row = html(
      "tr",
      {},
      html("th", { scope: "row" }, name),
      html("td", { class: "us-track" }, track),
      chain,
      difference,
    );
    return { bar, tick, track, chain, difference, row };
  });
  const show = () => {
    const { weight, terms, total, difference } = gradient(view.model);
    const step = view.model.get("step");
    heading.replaceChildren("Terms of ", math(`∂L/∂${symbol(weight)}`));
    const lines = [...terms, { value: total, difference }];
    const all = [0, ...lines.flatMap((line) => [line.value, line.difference])];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const place = (value) => (high > low ? (100 * (value - low)) / (high - low) : 0);
    lines.forEach((line, n) => {
      const { bar, tick, track, chain, difference: cell, row } = rows[n];
      const known = n < 3 ? step >= 5 + n : step === 7;
      row.className = n === step - 5 ? "now" : known ? "" : "later";
      bar.style.left = `${known ? place(Math.min(0, line.value)) : place(0)}%`;
      bar.style.width = `${known ? place(Math.abs(line.value)) - place(0) : 0}%`;
      tick.style.left = `${place(line.difference)}%`;
      track.style.setProperty("--zero", `${place(0)}%`);
      tick.style.visibility = known ? "visible" : "hidden";
      chain.textContent = known ? fixed(line.value, 6) : "·";
      cell.textContent = known ? fixed(line.difference, 6) : "·";
    });
  };
  view.on(watched, show);
  show();
  const table = html(
    "table",
    { class: "us-terms" },
    html("thead", {}, html("tr", {}, head)),
    html(
      "tbody",
      {},
      rows.map(({ row }) => row),
    ),
  );
  return html("div", {}, heading, table);
}

// The paths from the use that the backward pass has reached, as radio buttons, and the product along the chosen one.
function pathPicker(view, watched) {
  const heading = html("legend", { class: "rf-heading" });
  const choices = html("div", { class: "rf-radios" });
  const spelt = html("p", { class: "us-product" });
  const inputs = [0, 1, 2, 3].map((n) => html("input", { type: "radio", name: "path", value: n }));
  const names = inputs.map(() => html("span", { class: "rf-number" }));
  inputs.forEach((input, n) => {
    input.addEventListener("change", () => view.set("path", n));
    choices.append(html("label", {}, input, names[n]));
  });
  const box = html("fieldset", { class: "us-paths" }, heading, choices, spelt);
  const show = () => {
    const step = view.model.get("step");
    box.hidden = step < 5;
    if (box.hidden) return;
    const { t, paths } = gradient(view.model).terms[step - 5];
    const chosen = Math.min(view.model.get("path"), paths.length - 1);
    const count = paths.length === 1 ? "One path leads" : `${paths.length} paths lead`;
    heading.replaceChildren(`${count} from the use at `, math(`t = ${t}`), " to the loss. Unit by unit:");
    inputs.forEach((input, n) => {
      input.parentElement.hidden = n >= paths.length;
      input.checked = n === chosen;
      if (n >= paths.length) return;
      names[n].textContent = paths[n].units.map((unit) => `(${unit + 1})`).join(" → ");
      input.setAttribute("aria-label", `Path through units ${paths[n].units.map((unit) => unit + 1).join(", ")}`);
    });
    spelt.replaceChildren(...product(paths[chosen]));
  };
  view.on(watched, show);
  show();
  return box;
}

function product({ factors, value }) {
  const parts = factors.map(({ symbol: name, value: number, dropped }) =>
    html(
      "span",
      { class: dropped ? "us-part dropped" : "us-part" },
      math(name),
      html("span", { class: "rf-number" }, fixed(number, 3)),
    ),
  );
  const result = html(
    "span",
    { class: "us-part result" },
    math("path"),
    html("span", { class: "rf-number" }, fixed(value, 6)),
  );
  return [...parts, result];
}

function summarise(model) {
  const { run, weight, terms, total, difference } = gradient(model);
  const step = model.get("step");
  if (step <= 3) {
    const [one, two] = [...run.h[step]].map((value) => fixed(value, 3));
    return `Forward pass, t = ${step}: the hidden state is (${one}, ${two}).`;
  }
  if (step === 4)
    return `The prediction is ${fixed(run.output, 3)}, the target ${fixed(model.get("y"), 3)}: the loss is ${fixed(run.loss, 4)}.`;
  const { t, paths, value, difference: single } = terms[step - 5];
  const agrees = (a, b) => (Math.abs(a - b) < 1e-6 ? "agrees" : "disagrees");
  const count = paths.length === 1 ? "one path leads" : `${paths.length} paths lead`;
  const text = `${spoken(weight)}, used at t = ${t}: ${count} to the loss and carry ${fixed(value, 6)}; nudging this use alone gives ${fixed(single, 6)}, which ${agrees(value, single)}.`;
  if (step < 7) return text;
  return `${text} The three uses add up to ${fixed(total, 6)}; nudging the weight itself gives ${fixed(difference, 6)}, which ${agrees(total, difference)}.`;
}

// ---- the figure -----------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const view = new View({ model, el }, "One weight, three uses: its gradient, path by path");
  const watched = ["step", "weight", "path", "keep_slope", "y", ...ARRAYS];
  const weights = html(
    "fieldset",
    { class: "us-choice" },
    html("legend", { class: "rf-heading" }, "Choose a weight, move it"),
    weightTable(view, "W_x", [["W_x[0,0]", "W_x[0,1]"]]),
    weightTable(view, "W_h", [
      ["W_h[0,0]", "W_h[0,1]"],
      ["W_h[1,0]", "W_h[1,1]"],
    ]),
    weightTable(view, "b", [["b[0]", "b[1]"]]),
  );
  const slope = view.checkbox("keep_slope", { label: "keep the slope φ′" });
  view.body.append(
    stepper(view),
    view.picture("The two-unit network unrolled over three time steps", watched, (root, width) =>
      draw(root, width, model),
    ),
    html(
      "div",
      { class: "rf-columns us-columns" },
      html("div", { class: "us-side" }, weights, weightSlider(view), slope),
      termTable(view, watched),
    ),
    pathPicker(view, watched),
  );
  const tell = () => view.say(summarise(model));
  view.on(watched, tell);
  tell();
  return () => view.dispose();
}

export default { render };
