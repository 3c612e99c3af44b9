// The tree of a scan over T steps: its joints, its states, and after which round each of them is there.

// t = m · 2^level with m odd
const levelOf = (t) => Math.log2(t & -t);
const ones = (t) => t.toString(2).replaceAll("0", "").length;

// after how many rounds h_t is there: up as many levels as t has binary digits after the first, down as often as it has
// further ones
export const roundOf = (t) => Math.floor(Math.log2(t)) + ones(t) - 1;

// of what a state is made: h_t = a h_before + b, with the joined steps (before, t]; a state without `before` is a joint of
// its own, of two halves, or the first step
export function partsOf(t) {
  const level = levelOf(t);
  return { level, before: t - 2 ** level };
}

// all joints of steps beside those from the first step on, which are states: { t, level }, for the steps (t − 2^level, t]
export function joints(T) {
  const found = [];
  for (let level = 1; 2 ** (level + 1) <= T; level++)
    for (let t = 2 ** (level + 1); t <= T; t += 2 ** level) found.push({ t, level });
  return found;
}

// products and sums, and how many of them must follow one another; as rnnlib.modern.scan_cost
export function cost(T, method) {
  if (method === "loop") return { operations: 2 * (T - 1), depth: 2 * (T - 1) };
  let operations = 0;
  for (let n = T; n > 1; n = Math.floor(n / 2)) operations += 3 * Math.floor(n / 2) - 1 + 2 * Math.floor((n - 1) / 2);
  return { operations, depth: 2 * roundOf(last(T)) };
}

// the first of the states that have to wait longest
export function last(T) {
  let found = 1;
  for (let t = 2; t <= T; t++) if (roundOf(t) > roundOf(found)) found = t;
  return found;
}

// the way of a state: the keys of all that it waits for at the very end, itself included
export function way(t) {
  const keys = [`s${t}`];
  const { before } = partsOf(t);
  if (before) return [...keys, ...way(before)];
  return t > 1 ? [...keys, ...way(t / 2)] : keys;
}

// how many states are there after a round
export const done = (T, round, method) => {
  if (method === "loop") return Math.min(T, round + 1);
  let count = 0;
  for (let t = 1; t <= T; t++) if (roundOf(t) <= round) count += 1;
  return count;
};
