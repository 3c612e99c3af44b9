// One forward step of RNN, GRU and LSTM: rnnlib.cells for the page.
//
// The layout is the library's. Weights are flat arrays in row-major order, fused by gate:
//   W_x (D, G·H)   W_h (H, G·H)   b (G·H)   and b_n (H) for a GRU with reset_after
// in the order of the gates: RNN h; GRU r, z, n; LSTM i, f, o, g. A state is always an array: [h] or [h, c].
// Numbers are float64 here whatever the weights are: the loop is short and the page needs no speed beyond it.
//
// options.hook(gate, values) -> values or nothing: sees each gate as soon as it is computed, and may put other values in its
// place, which everything after it uses. A GRU's reset gate comes before its candidate. What is called "state" is the new
// state, c of an LSTM and h of the others: it comes last, and an LSTM's h is made of it.

const sigmoid = (a) => 0.5 + 0.5 * Math.tanh(a / 2);

export const activations = {
  tanh: Math.tanh,
  sigmoid,
  hard_sigmoid: (a) => Math.min(1, Math.max(0, a / 6 + 0.5)),
  relu: (a) => Math.max(0, a),
  linear: (a) => a,
};

// out += v W[:, from : from + out.length], where W has `columns` columns
function addProduct(out, v, W, columns, from = 0) {
  for (let i = 0; i < v.length; i++) {
    if (v[i] === 0) continue; // a one-hot input costs one row
    const row = i * columns + from;
    for (let j = 0; j < out.length; j++) out[j] += v[i] * W[row + j];
  }
  return out;
}

// a = x W_x + h W_h + b for the gates that start at column `from`, n columns in all
function preactivation(params, x, h, from, n, columns) {
  const a = new Float64Array(n);
  if (params.b) a.set(params.b.subarray(from, from + n));
  addProduct(a, x, params.W_x, columns, from);
  return addProduct(a, h, params.W_h, columns, from);
}

// what a hook makes of a gate
const hooked = (hook, gate, values) => hook?.(gate, values) ?? values;

// h' = φ(x W_x + h W_h + b)
export function rnnStep(params, x, [h], { activation = "tanh", hook } = {}) {
  const H = h.length;
  const h_t = hooked(hook, "h", preactivation(params, x, h, 0, H, H).map(activations[activation]));
  const next = hooked(hook, "state", h_t);
  return { state: [next], gates: { h: next } };
}

// r, z = σ(…),  n = φ(x W_xn + (r ⊙ h) W_hn + b),  h' = z ⊙ h + (1 − z) ⊙ n
// with reset_after:  n = φ(x W_xn + b + r ⊙ (h W_hn + b_n))
export function gruStep(params, x, [h], options = {}) {
  const { activation = "tanh", recurrent_activation = "sigmoid", reset_after = false, hook } = options;
  const H = h.length;
  const rz = preactivation(params, x, h, 0, 2 * H, 3 * H).map(activations[recurrent_activation]);
  const r = hooked(hook, "r", rz.subarray(0, H));
  const z = hooked(hook, "z", rz.subarray(H));
  let n = preactivation(params, x, [], 2 * H, H, 3 * H);
  if (reset_after) {
    const recurrent = addProduct(Float64Array.from(params.b_n ?? new Float64Array(H)), h, params.W_h, 3 * H, 2 * H);
    n.forEach((a, j) => (n[j] = activations[activation](a + r[j] * recurrent[j])));
  } else {
    const kept = h.map((value, j) => r[j] * value);
    addProduct(n, kept, params.W_h, 3 * H, 2 * H);
    n.forEach((a, j) => (n[j] = activations[activation](a)));
  }
  n = hooked(hook, "n", n);
  const next = hooked(
    hook,
    "state",
    Float64Array.from(n, (value, j) => z[j] * h[j] + (1 - z[j]) * value),
  );
  return { state: [next], gates: { r, z, n } };
}

// i, f, o = σ(…),  g = φ(…),  c' = f ⊙ c + i ⊙ g,  h' = o ⊙ φ(c')
export function lstmStep(params, x, [h, c], options = {}) {
  const { activation = "tanh", recurrent_activation = "sigmoid", hook } = options;
  const H = h.length;
  const a = preactivation(params, x, h, 0, 4 * H, 4 * H);
  const ifo = a.subarray(0, 3 * H).map(activations[recurrent_activation]);
  const [i, f, o] = [..."ifo"].map((gate, k) => hooked(hook, gate, ifo.subarray(k * H, (k + 1) * H)));
  const g = hooked(hook, "g", a.subarray(3 * H).map(activations[activation]));
  const nextC = hooked(
    hook,
    "state",
    Float64Array.from(g, (value, j) => f[j] * c[j] + i[j] * value),
  );
  const nextH = nextC.map((value, j) => o[j] * activations[activation](value));
  return { state: [nextH, nextC], gates: { i, f, o, g } };
}

// v W + b: the readout o = h W_hq + b_q
export function affine(v, W, b) {
  return addProduct(Float64Array.from(b), v, W, b.length);
}

// probabilities from logits, at a temperature
export function softmax(logits, temperature = 1) {
  const top = Math.max(...logits);
  const weights = Array.from(logits, (value) => Math.exp((value - top) / temperature));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

// a generator of numbers in [0, 1), the same sequence for the same seed (mulberry32)
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

// an index drawn from probabilities, given u in [0, 1)
export function pick(probabilities, u) {
  let rest = u * probabilities.reduce((sum, p) => sum + p, 0);
  for (let k = 0; k < probabilities.length; k++) {
    rest -= probabilities[k];
    if (rest < 0) return k;
  }
  return probabilities.length - 1;
}
