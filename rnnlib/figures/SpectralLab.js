// Eigenvalues in the disc, singular values beside them, and the norms of products of Jacobians. See spectral_lab.py.

import { knob, label } from "./chart.js";
import { clamp, fixed, svg } from "./elements.js";
import { chart, disc, finding, layout, ringAt, shown } from "./plane.js";
import { matrix, nonnormalityFor, norms, parse, spectrum, write } from "./spectrum.js";
import { View } from "./view.js";

export { matrix, norms, parse, spectrum };

const PATIENCE = 700; // milliseconds that a state must have stood to become the ghost
const MOST = 1.5; // nonnormality
const NAMES = ["eigenvalues", "nonnormality", "activation", "T", "basis", "coupling", "shear", "sizes", "W_x", "x"];
let count = 0;

function summarise(result, k) {
  const { gamma, sigma, rho } = result;
  const bound = gamma * sigma[0];
  return (
    `Spectral radius ${fixed(rho)}, ‖W‖ ${fixed(sigma[0])}: the gradient ${finding(result).join(": ")}. ` +
    `At k = ${k} it is ${shown(result.norms[k])} of at most ${shown(bound ** k)}.`
  );
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("sl");
  let good = parse(model.get("eigenvalues"), model.get("sizes"));
  const read = () => {
    good = parse(model.get("eigenvalues"), model.get("sizes")) ?? good;
    return spectrum(model, good);
  };
  let result = read();
  const reach = Math.max(1.95, 1.25 * result.rho);
  let place = layout(900, reach);
  let ghost = null;
  let held = false; // in this drag the ghost is there already
  let changed = Number.NEGATIVE_INFINITY;
  const release = () => (held = false);
  const distance = () => Math.min(model.get("k"), model.get("T"));

  const low = (text, dy) => svg("tspan", { dy, "font-size": 9.5 }, text);
  const part = (text, dy = 0) => svg("tspan", { dy }, text);
  const title = svg(
    "text",
    { class: "rf-soft", "font-size": 12 },
    ...[part("‖∂h"), low("T", 3), part("/∂h", -3), low("T−k", 3), part("‖", -3)],
  );
  const clip = svg("rect", {});
  const id = `sl-plane-${++count}`;
  const stage = view.stage("The eigenvalues and the norm of the gradient", (width) => {
    place = { ...layout(width, reach), clip: `url(#${id})` };
    const [x, y, w, h] = place.frame;
    for (const [name, value] of Object.entries({ x, y, width: w, height: h })) clip.setAttribute(name, value);
    const k = distance();
    const { T } = result;
    const [left, right] = place.x.range;
    const [said, last] = finding(result);
    const text = place.wide ? `${said}: ${last}` : said;
    const old = ghost && place.wide ? `before: ${finding(ghost).join(": ")}` : "";
    return {
      height: place.height,
      marks: [
        ...disc(place, result, ghost, k),
        ...chart(place, result, ghost, k),
        label("finding", place.wide ? left - 40 : 0, place.wide ? 18 : place.top - 27, text, {
          class: "sl-finding rf-strong",
          "font-size": place.wide ? 15 : 13,
        }),
        label("was", left - 40, 38, old, { class: "sl-before" }),
        { key: "title", node: title, attributes: { transform: `translate(${place.wide ? left - 40 : 0},${place.top - 10})` } },
        { key: "field", node: field, attributes: { class: "rf-field", x: left, y: place.top, width: right - left, height: place.bottom - place.top } },
        { key: "T", node: end, attributes: { transform: `translate(${place.x(T)},${place.bottom})` } },
        { key: "k", node: dot, attributes: { transform: `translate(${place.x(k)},${place.y(clamp(result.norms[k], 1e-5, 1e3))})` } },
        { key: "ring", node: norm, attributes: { transform: `translate(${ringAt(place, result.sigma[0])})` } },
        ...hands.map((node, n) => ({ key: `hand${n}`, node, attributes: { transform: `translate(${place.at(good[n])})` } })),
      ],
    };
  });
  stage.root.prepend(svg("clipPath", { id }, clip));

  // an eigenvalue is put where the reader wants it: a pair above the real axis or on it, a real one on it
  const limit = reach / 1.2;
  const put = (n, { re, im }) => {
    const pair = model.get("sizes")[n] === 2;
    const height = pair && im > 0.05 ? im : 0;
    const shrink = Math.min(1, limit / Math.hypot(re, height));
    const texts = good.map((value, other) => (other === n ? write({ re: re * shrink, im: height * shrink }) : null));
    const old = model.get("eigenvalues").split(",");
    view.set("eigenvalues", texts.map((text, other) => text ?? old[other]).join(","));
  };
  const hands = good.map((_, n) => {
    const pair = model.get("sizes")[n] === 2;
    const move = (re, im) => () => put(n, { re: good[n].re + re, im: good[n].im + im + (im > 0 && good[n].im === 0 ? 0.04 : 0) });
    const scaled = (r) => put(n, { re: Math.cos(angle(n)) * r, im: Math.sin(angle(n)) * r });
    const node = view.handle(stage, {
      label: pair ? `Pair of eigenvalues ${n + 1}` : `Real eigenvalue ${n + 1}`,
      names: ["eigenvalues"],
      min: 0,
      max: Math.round(limit * 100) / 100,
      step: 0.02,
      get: () => Math.round(Math.hypot(good[n].re, good[n].im) * 100) / 100,
      set: scaled,
      text: (r) => `radius ${fixed(r)} at ${Math.round((angle(n) * 180) / Math.PI)} degrees`,
      keys: {
        ArrowLeft: move(-0.02, 0),
        ArrowRight: move(0.02, 0),
        ...(pair ? { ArrowUp: move(0, 0.02), ArrowDown: move(0, -0.02) } : {}),
      },
      shape: svg("circle", { class: `rf-knob ${pair ? "" : "real"}`, r: pair ? 8 : 7 }),
    });
    view.drag(stage, node, (x, y) => put(n, place.value(x, y)), { focus: () => node.focus({ preventScroll: true }), end: release });
    return node;
  });
  function angle(n) {
    return Math.atan2(good[n].im, good[n].re);
  }

  // the ring ‖W‖: pull it outwards, the eigenvalues stay
  const pull = (x, y) => {
    const wanted = Math.hypot(x - place.centre[0], y - place.centre[1]) / place.unit;
    view.set("nonnormality", Math.round(nonnormalityFor(model, good, wanted, MOST) * 100) / 100);
  };
  const norm = view.handle(stage, {
    label: "Largest singular value: how far W is from normal",
    names: NAMES,
    min: 0,
    max: MOST,
    step: 0.05,
    get: () => model.get("nonnormality"),
    set: (s) => view.set("nonnormality", Math.round(s * 100) / 100),
    text: (s) => `non-normality ${fixed(s)}, largest singular value ${fixed(result.sigma[0])}`,
    shape: [
      svg("circle", { class: "rf-knob ring", r: 9 }),
      svg("path", { class: "sl-grip", d: "M-3.5,-1 L-3.5,-3.5 L-1,-3.5 M1,3.5 L3.5,3.5 L3.5,1 M-3.5,-3.5 L3.5,3.5" }),
    ],
  });
  view.drag(stage, norm, pull, { focus: () => norm.focus({ preventScroll: true }), end: release });

  // along the curve, and its end
  const [left, right] = [() => place.x.range[0], () => place.x.range[1]];
  const steps = (x) => Math.round(((clamp(x, left(), right()) - left()) / (right() - left())) * 60);
  const field = svg("rect");
  const dot = view.handle(stage, {
    label: "Distance k at which the norm is read off",
    names: ["k", ...NAMES],
    min: 0,
    max: () => model.get("T"),
    get: distance,
    set: (k) => view.set("k", k),
    text: (k) => `k = ${k}: ${shown(result.norms[k])}`,
    shape: knob(8, "growth"),
  });
  const readOff = (x) => view.set("k", Math.min(model.get("T"), steps(x)));
  const focusDot = { focus: () => dot.focus({ preventScroll: true }) };
  view.drag(stage, dot, readOff, focusDot);
  view.drag(stage, field, readOff, focusDot);
  const end = view.handle(stage, {
    label: "Length T of the sequence",
    names: ["T"],
    min: 5,
    max: 60,
    get: () => model.get("T"),
    set: (T) => view.set("T", T),
    text: (T) => `${T} steps`,
    at: (x) => clamp(steps(x), 5, 60),
    shape: svg("path", { class: "sl-t", d: "M0,-8 L7,0 L0,8 L-7,0 Z" }),
  });

  const activations = [
    ["linear", "linear"],
    ["tanh", "tanh"],
    ["sigmoid", "sigmoid"],
    ["relu", "ReLU"],
  ];
  view.body.append(
    stage.box,
    view.row(
      view.player("k", { label: "Steps back k", min: 0, max: () => model.get("T"), every: 260, names: ["T"] }),
      view.range("nonnormality", { label: "Non-normal", min: 0, max: MOST, step: 0.05, format: (s) => fixed(s) }),
      view.select("activation", { label: "φ", options: activations }),
    ),
  );
  view.on(NAMES, () => {
    const now = performance.now();
    if (view.dragging ? !held : now - changed > PATIENCE) ghost = result;
    held = view.dragging;
    changed = now;
    result = read();
  });
  view.follow([...NAMES, "k"], () => {
    stage.show({ moves: !view.dragging });
    view.say(summarise(result, distance()));
  });
  return () => view.dispose();
}

export default { render };
