// The gradient of one letter's loss on its way back through an RNN, GRU or LSTM, and what of it takes the direct path:
// `route` of gradient_highway.py for the page. Weights are flat, in row-major order, fused by gate as in cells.js.

import { activations } from "./cells.js";
import { Machine } from "./microscope.js";

// slopes in terms of the value, as rnnlib.cells.activations has them
const slopes = {
  tanh: (v) => 1 - v * v,
  sigmoid: (v) => v * (1 - v),
  hard_sigmoid: (v) => (v > 0 && v < 1 ? 1 / 6 : 0),
  relu: (v) => (v > 0 ? 1 : 0),
  linear: () => 1,
};

// out += W[:, from : from + a.length] a, where W has `columns` columns: a step back through a product
function addBack(out, a, W, columns, from = 0) {
  for (let i = 0; i < out.length; i++) {
    const row = i * columns + from;
    let sum = 0;
    for (let j = 0; j < a.length; j++) sum += W[row + j] * a[j];
    out[i] += sum;
  }
  return out;
}

const zeros = (n) => new Float64Array(n);
const norm = (v) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
const dot = (v, w) => v.reduce((sum, value, j) => sum + value * w[j], 0);

// One step back each: from ∂L/∂(state after) to { delta, before, keep }. delta is ∂L/∂h, of an LSTM all of ∂L/∂c;
// `before` is ∂L/∂(state before), and `keep` what the direct path multiplies with.
const BACK = {
  RNN({ params, slope }, [dh], { gates }, moment) {
    const H = dh.length;
    const da = dh.map((d, j) => d * slope(gates.h[j]));
    return { delta: dh, before: [addBack(zeros(H), da, params.W_h, H)], keep: moment.zero };
  },
  GRU({ params, options, slope, gateSlope }, [dh], { gates: { r, z, n } }, { state: [h] }) {
    const H = dh.length;
    const { W_h, b_n } = params;
    const back = zeros(H);
    const before = dh.map((d, j) => d * z[j]);
    const da_n = dh.map((d, j) => d * (1 - z[j]) * slope(n[j]));
    const da_z = dh.map((d, j) => d * (h[j] - n[j]) * gateSlope(z[j]));
    let da_r;
    if (options.reset_after) {
      const s = Float64Array.from(b_n ?? zeros(H));
      for (let i = 0; i < H; i++) for (let j = 0; j < H; j++) s[j] += h[i] * W_h[i * 3 * H + 2 * H + j];
      da_r = da_n.map((d, j) => d * s[j] * gateSlope(r[j]));
      addBack(
        back,
        da_n.map((d, j) => d * r[j]),
        W_h,
        3 * H,
        2 * H,
      );
    } else {
      const ds = addBack(zeros(H), da_n, W_h, 3 * H, 2 * H);
      da_r = ds.map((d, j) => d * h[j] * gateSlope(r[j]));
      for (let j = 0; j < H; j++) back[j] += ds[j] * r[j];
    }
    addBack(back, da_r, W_h, 3 * H, 0);
    addBack(back, da_z, W_h, 3 * H, H);
    for (let j = 0; j < H; j++) before[j] += back[j];
    return { delta: dh, before: [before], keep: z };
  },
  LSTM({ params, slope, gateSlope, value }, [dh, dc], { state: [, after], gates: { i, f, o, g } }, { state: [, c] }) {
    const H = dh.length;
    const { W_h } = params;
    const phi = after.map(value);
    const delta = dc.map((d, j) => d + dh[j] * o[j] * slope(phi[j]));
    const back = zeros(H);
    addBack(
      back,
      delta.map((d, j) => d * g[j] * gateSlope(i[j])),
      W_h,
      4 * H,
      0,
    );
    addBack(
      back,
      delta.map((d, j) => d * c[j] * gateSlope(f[j])),
      W_h,
      4 * H,
      H,
    );
    addBack(
      back,
      dh.map((d, j) => d * phi[j] * gateSlope(o[j])),
      W_h,
      4 * H,
      2 * H,
    );
    addBack(
      back,
      delta.map((d, j) => d * i[j] * slope(g[j])),
      W_h,
      4 * H,
      3 * H,
    );
    return { delta, before: [back, delta.map((d, j) => d * f[j])], keep: f };
  },
};

// One network in one state of its training, and what it has read.
export class Route {
  constructor(vocabulary, { kind, options, hidden_size, states }, snapshot) {
    this.machine = new Machine({ kind, options, hidden_size, vocabulary, params: states[snapshot] });
    const { activation = "tanh", recurrent_activation = "sigmoid" } = options;
    this.parts = {
      params: this.machine.params,
      options,
      slope: slopes[activation],
      gateSlope: slopes[recurrent_activation],
      value: activations[activation],
    };
    this.back = BACK[kind];
    this.gated = kind !== "RNN";
    this.ids = [];
    this.start = { state: this.machine.zero, zero: zeros(hidden_size) };
    this.moments = [];
    this.found = new Map();
  }

  // ids[0 … T]: T letters to be read and the one to be expected; reads on from what it knows
  read(ids) {
    let same = 0;
    while (same < this.ids.length && same < ids.length && this.ids[same] === ids[same]) same++;
    this.moments.length = Math.min(this.moments.length, same);
    if (same < Math.max(this.ids.length, ids.length)) this.found.clear();
    for (let t = this.moments.length; t < ids.length; t++) {
      const before = t ? this.moments[t - 1].state : this.machine.zero;
      this.moments.push({ ...this.machine.step(before, ids[t]), zero: this.start.zero });
    }
    this.ids = [...ids];
  }

  // the loss of ids[T]: { norm, direct, alone }, T numbers each, relative to ‖δ‖ at the last state
  of(T) {
    if (this.found.has(T)) return this.found.get(T);
    const { machine, moments, parts, ids } = this;
    const p = machine.expect(moments[T - 1]);
    const dlogits = Float64Array.from(p, (share, k) => share - (k === ids[T] ? 1 : 0));
    const { W_hq } = machine.params;
    let d = machine.zero.map((part) => zeros(part.length));
    addBack(d[0], dlogits, W_hq, dlogits.length);
    const result = { norm: zeros(T), direct: zeros(T), alone: zeros(T), p: p[ids[T]] };
    let path = null; // d_k, and the gate that it meets on its next step back
    let gate = null;
    let unit = 1;
    for (let t = T - 1; t >= 0; t--) {
      const { delta, before, keep } = this.back(parts, d, moments[t], t ? moments[t - 1] : this.start);
      path = path ? path.map((value, j) => value * gate[j]) : Float64Array.from(delta);
      gate = keep;
      const size = norm(delta);
      if (t === T - 1) unit = size || 1;
      result.norm[t] = size / unit;
      result.direct[t] = size ? dot(path, delta) / size / unit : 0;
      result.alone[t] = norm(path) / unit;
      d = before;
    }
    this.found.set(T, result);
    return result;
  }
}
