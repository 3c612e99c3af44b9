// The gradient of one weight of a two-unit RNN over three steps, path by path, and its finite differences.

import { affine, rnnStep } from "./cells.js";

export const T = 3;
const EPSILON = 1e-5; // of the finite differences, in float64
const ARRAYS = ["W_x", "W_h", "b", "W_hq", "b_q", "x", "h_0"];

function read(model) {
  const flat = Object.fromEntries(ARRAYS.map((name) => [name, Float64Array.from(model.get(name).flat())]));
  return { ...flat, y: model.get("y") };
}

// "W_h[0,1]" -> where the weight stands: from unit i (or input i, or nowhere) to unit j
export function locate(weight) {
  const [, name, first, second] = weight.match(/^(\w+)\[(\d)(?:,(\d))?\]$/);
  const [i, j] = second === undefined ? [null, Number(first)] : [Number(first), Number(second)];
  return { text: weight, name, i, j, index: i === null ? j : 2 * i + j };
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

// Every path from the weight's use at step k to the loss. A path is the list of units it visits at k, k + 1, …, T and the
// factors of its product; `place` says where a factor belongs: under the edge into step t (t − ½) or under the state t.
function pathsFrom(k, net, { h, output }, { name, i, j }, keepSlope) {
  const slope = (t, unit) => ({
    place: t,
    value: keepSlope ? 1 - h[t][unit] ** 2 : 1,
    dropped: !keepSlope,
    kind: "slope",
  });
  const source = {
    W_x: () => ({ name: `x${subscript(k)}`, value: net.x[k - 1] }),
    W_h: () => ({ name: `h${subscript(k - 1)}`, value: h[k - 1][i] }),
    b: () => ({ name: "1", value: 1 }),
  }[name]();
  let paths = [{ units: [j], factors: [{ ...source, place: k - 0.5, kind: "source" }, slope(k, j)] }];
  for (let t = k + 1; t <= T; t++) {
    paths = paths.flatMap(({ units, factors }) =>
      [0, 1].map((unit) => {
        const edge = { place: t - 0.5, value: net.W_h[2 * units.at(-1) + unit], kind: "weight" };
        return { units: [...units, unit], factors: [...factors, edge, slope(t, unit)] };
      }),
    );
  }
  return paths.map(({ units, factors }) => {
    const readout = { place: T + 0.5, value: net.W_hq[units.at(-1)], kind: "weight" };
    const all = [...factors, readout, { place: T + 1, value: output - net.y, kind: "error" }];
    return { units, factors: all, value: all.reduce((product, factor) => product * factor.value, 1) };
  });
}

// ∂L/∂w: the terms of the uses at t = 3, 2, 1 with their paths, their sum, and all finite differences
export function gradient(model) {
  const net = read(model);
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

export const subscript = (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

export function spoken({ name, i, j }) {
  const plain = { W_x: "W_xh", W_h: "W_hh", b: "b_h" }[name];
  return name === "W_h" ? `${plain} ${i + 1}→${j + 1}` : `${plain} of unit ${j + 1}`;
}
