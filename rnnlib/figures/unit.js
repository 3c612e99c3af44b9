// A tanh unit that has to remember one bit, its loss, and gradient descent on its two weights. See clipping_cliff.py.

export const TARGET = 0.7;
export const UPDATES = 40;
const ENOUGH = 1e9; // weights beyond it change nothing any more: the state is ±1

// Forward over T steps, then back: L(w, b), ∂L/∂w and ∂L/∂b. The mean of the losses of x_1 = 1 and x_1 = −1.
export function loss(w, b, T, states = new Float64Array(T + 1)) {
  let [L, dw, db] = [0, 0, 0];
  for (const bit of [1, -1]) {
    for (let t = 1; t <= T; t++) states[t] = Math.tanh((t === 1 ? bit : 0) + w * states[t - 1] + b);
    const error = states[T] - bit * TARGET;
    L += error ** 2 / 4;
    let dh = error / 2;
    for (let t = T; t > 0; t--) {
      const da = dh * (1 - states[t] ** 2);
      dw += da * states[t - 1];
      db += da;
      dh = da * w;
    }
  }
  return { L, dw, db };
}

// clip a gradient: scale it to the norm `threshold`, or cut each entry off at it
export function clipped({ dw, db }, kind, threshold) {
  if (kind === "value") return [dw, db].map((entry) => Math.min(threshold, Math.max(-threshold, entry)));
  const norm = Math.hypot(dw, db);
  const factor = kind === "norm" && norm > threshold ? threshold / norm : 1;
  return [dw * factor, db * factor];
}

// UPDATES updates from a start: { w, b, L, norm } before each of them and after the last
export function descend({ w, b, rate, threshold, T }, kind) {
  const path = [];
  const states = new Float64Array(T + 1);
  for (let n = 0; n <= UPDATES; n++) {
    const found = loss(w, b, T, states);
    path.push({ w, b, L: found.L, norm: Math.hypot(found.dw, found.db) });
    const [dw, db] = clipped(found, kind, threshold);
    w = Math.min(ENOUGH, Math.max(-ENOUGH, w - rate * dw));
    b = Math.min(ENOUGH, Math.max(-ENOUGH, b - rate * db));
  }
  return path;
}

// The loss on a grid, rows from the lowest b to the highest; a generator that pauses after each row. It takes the loss of
// x_1 = 1 only: that of x_1 = −1 at b is the same at −b, and the grid is symmetrical.
export const surface = function* ([w0, w1], b1, columns, rows, T) {
  const single = new Float64Array(columns * rows);
  for (let r = 0; r < rows; r++) {
    const b = -b1 + (2 * b1 * r) / (rows - 1);
    for (let c = 0; c < columns; c++) {
      const w = w0 + ((w1 - w0) * c) / (columns - 1);
      let h = Math.tanh(1 + b);
      for (let t = 2; t <= T; t++) h = Math.tanh(w * h + b);
      single[r * columns + c] = (h - TARGET) ** 2 / 4;
    }
    yield;
  }
  return Float64Array.from(single, (value, at) => {
    const [r, c] = [Math.floor(at / columns), at % columns];
    return value + single[(rows - 1 - r) * columns + c];
  });
};
