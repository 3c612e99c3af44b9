// A recurrent matrix from its Schur form, and the norms of the products of its network's Jacobians. See spectral_lab.py.

import { rnnStep } from "./cells.js";
import { identity, product, singularValues, transpose } from "./linear.js";

const SLOPES = {
  linear: () => 1,
  tanh: (y) => 1 - y * y,
  sigmoid: (y) => y * (1 - y),
  relu: (y) => (y > 0 ? 1 : 0),
};
const STEEPEST = { linear: 1, tanh: 1, sigmoid: 0.25, relu: 1 };
const RADIAN = Math.PI / 180;

// "0.9@20,0.5@180" -> [{ re, im }, …], one for each block; null if the text does not fit the blocks
export function parse(text, sizes) {
  const parts = text.split(",").map((part) => part.match(/^(\d*\.?\d+)@(\d*\.?\d+)$/));
  if (parts.length !== sizes.length || parts.includes(null)) return null;
  const values = parts.map(([, radius, degrees], n) => {
    const angle = Number(degrees) * RADIAN;
    return { re: radius * Math.cos(angle), im: sizes[n] === 1 ? 0 : radius * Math.sin(angle), r: Number(radius) };
  });
  return values.every(({ r }) => r <= 3) ? values : null;
}

// one eigenvalue as the text has it, with few digits
export function write({ re, im }) {
  const degrees = Math.round((2 * Math.atan2(im, re)) / RADIAN) / 2;
  return `${Math.round(Math.hypot(re, im) * 100) / 100}@${Math.abs(degrees)}`;
}

// W_h = Q (D + s N) Qᵀ
export function matrix(model, values) {
  const [s, sizes, shear] = ["nonnormality", "sizes", "shear"].map((name) => model.get(name));
  const Q = Float64Array.from(model.get("basis").flat());
  const U = Float64Array.from(model.get("coupling").flat(), (entry) => s * entry);
  const n = model.get("basis").length;
  let i = 0;
  values.forEach(({ re, im }, block) => {
    U[i * n + i] = re;
    if (sizes[block] === 2) {
      const ratio = shear[block] ** s;
      U[(i + 1) * n + i + 1] = re;
      U[i * n + i + 1] = im * ratio;
      U[(i + 1) * n + i] = -im / ratio;
    }
    i += sizes[block];
  });
  return product(product(Q, U, n), transpose(Q, n), n);
}

// Run the network over the input, then back: ‖∂h_T/∂h_{T−k}‖ for k = 0 … T.
export function norms(W_h, W_x, x, activation) {
  const n = W_x.length;
  let state = [new Float64Array(n)];
  const slopes = x.map((x_t) => {
    state = rnnStep({ W_x, W_h }, [x_t], state, { activation }).state;
    return state[0].map(SLOPES[activation]);
  });
  const W = transpose(W_h, n);
  let J = identity(n);
  const found = [1];
  for (let t = x.length - 1; t >= 0; t--) {
    J = product(
      J,
      W.map((w, at) => w * slopes[t][Math.floor(at / n)]),
      n,
    );
    found.push(singularValues(J, n)[0]);
  }
  return found;
}

// all that the picture shows
export function spectrum(model, values = parse(model.get("eigenvalues"), model.get("sizes"))) {
  const [activation, T] = [model.get("activation"), model.get("T")];
  const W = matrix(model, values);
  const n = model.get("basis").length;
  const x = model
    .get("x")
    .slice(0, T)
    .map(([x_t]) => x_t);
  const sigma = singularValues(W, n);
  return {
    values,
    W: [...W],
    sigma,
    T,
    activation,
    gamma: STEEPEST[activation],
    rho: Math.max(...values.map(({ re, im }) => Math.hypot(re, im))),
    norms: norms(W, Float64Array.from(model.get("W_x").flat()), x, activation),
  };
}

// the s at which ‖W‖ is nearest to `wanted`: it does not fall while s grows from 0, so halve the interval
export function nonnormalityFor(model, values, wanted, most) {
  const n = model.get("basis").length;
  let [low, high] = [0, most];
  for (let step = 0; step < 12; step++) {
    const s = (low + high) / 2;
    const probe = { get: (name) => (name === "nonnormality" ? s : model.get(name)) };
    if (singularValues(matrix(probe, values), n)[0] < wanted) low = s;
    else high = s;
  }
  return (low + high) / 2;
}
