// A trained recurrent network that reads a text in small pieces, freely and with one unit held, and what its units do.
// See gate_microscope.py.

import { affine, gruStep, lstmStep, rnnStep, softmax } from "./cells.js";
import { unpack } from "./elements.js";

const STEPS = { RNN: rnnStep, GRU: gruStep, LSTM: lstmStep };
const GATES = { RNN: ["state"], GRU: ["state", "z", "r", "n"], LSTM: ["state", "f", "i", "o", "g"] };

export class Machine {
  constructor({ kind, options, hidden_size: H, vocabulary, params, most }) {
    this.characters = [...vocabulary];
    this.index = new Map(this.characters.map((character, k) => [character, k]));
    this.params = Object.fromEntries(Object.entries(params).map(([name, packed]) => [name, unpack(packed).data]));
    this.forward = STEPS[kind];
    this.options = options;
    this.gates = GATES[kind];
    this.units = H;
    this.most = most; // by unit, of an LSTM, whose cell states have no bound; of the others 1
    const zeros = () => new Float64Array(H);
    this.zero = [zeros(), ...(kind === "LSTM" ? [zeros()] : [])];
    this.first = this.step(this.zero, this.index.get("\n") ?? 0);
  }

  known(text) {
    return [...text].filter((character) => this.index.has(character));
  }

  // the least and the greatest value of a unit's gate or state
  range(gate, unit) {
    const most = this.most?.[unit] ?? 1;
    if (gate === "state") return [-most, most];
    return gate === "n" || gate === "g" ? [-1, 1] : [0, 1];
  }

  // One character more: the new state and its gates. `held`, { gate, unit, value }, keeps one unit at a value.
  step(state, k, held = null) {
    const x = new Float64Array(this.characters.length);
    x[k] = 1;
    const hook =
      held &&
      ((gate, values) => {
        if (gate === held.gate) values[held.unit] = held.value;
      });
    const { state: after, gates } = this.forward(this.params, x, state, { ...this.options, hook });
    return { state: after, gates: { ...gates, state: after.at(-1) }, p: null };
  }

  // the probabilities of what follows, worked out when they are first asked for
  expect(moment) {
    moment.p ??= softmax(affine(moment.state[0], this.params.W_hq, this.params.b_q));
    return moment.p;
  }
}

// What a machine has read of a text: moments[t] is what it was in after t characters. It is read anew only from the first
// character on that is another one, or that another hold reaches.
export class Reading {
  constructor(machine) {
    this.machine = machine;
    this.ids = [];
    this.moments = [machine.first];
    this.bits = [];
    this.held = null; // { gate, unit, value, since }
  }

  // Aim at a text, given as ids. `like` is a reading of the same text without a hold: what lies before it is the same.
  aim(ids, held = null, like = null) {
    let same = 0;
    while (same < ids.length && ids[same] === this.ids[same]) same++;
    if (JSON.stringify(held) !== JSON.stringify(this.held))
      same = Math.min(same, held?.since ?? Infinity, this.held?.since ?? Infinity);
    this.moments.length = Math.min(this.moments.length, same + 1);
    this.bits.length = Math.min(this.bits.length, same);
    this.ids = ids;
    this.held = held;
    const until = Math.min(held?.since ?? 0, (like?.moments.length ?? 1) - 1, ids.length);
    for (let t = this.moments.length; t <= until; t++) this.moments.push(like.moments[t]);
  }

  get done() {
    return this.moments.length > this.ids.length;
  }

  // read one character more
  advance() {
    const t = this.moments.length - 1;
    const held = this.held && t >= this.held.since ? this.held : null;
    this.moments.push(this.machine.step(this.moments[t].state, this.ids[t], held));
  }

  // the surprise at the characters read so far
  surprise() {
    for (let t = this.bits.length; t < this.moments.length - 1; t++)
      this.bits.push(-Math.log2(this.machine.expect(this.moments[t])[this.ids[t]]));
    return this.bits;
  }

  // a unit's values over the characters read so far
  values(gate, unit) {
    return this.moments.slice(1).map(({ gates }) => gates[gate][unit]);
  }
}

// Reads a long text, and keeps what every unit did: yields after each character the share that is done.
export const survey = function* (machine, text) {
  const ids = [...text].map((character) => machine.index.get(character));
  const [T, H] = [ids.length, machine.units];
  const kept = Object.fromEntries(machine.gates.map((gate) => [gate, new Float32Array(T * H)]));
  let moment = machine.first;
  for (let t = 0; t < T; t++) {
    moment = machine.step(moment.state, ids[t]);
    for (const gate of machine.gates) kept[gate].set(moment.gates[gate], t * H);
    yield t / T;
  }
  return { text, T, values: (gate, unit) => Float64Array.from({ length: T }, (_, t) => kept[gate][t * H + unit]) };
};

// half way between the least and the greatest value: above it a unit is "on"
export function middle(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return (low + high) / 2;
}

// Where a unit behaves over a text as over a stretch: on and off in the same order, the nearest first, none overlapping.
export function search(stretch, values) {
  const L = stretch.length;
  if (L === 0 || L > values.length) return [];
  const level = middle(values);
  const on = (value) => value > level;
  const matches = [];
  for (let start = 0; start + L <= values.length; start++) {
    let sum = 0;
    let k = 0;
    for (; k < L && on(stretch[k]) === on(values[start + k]); k++) sum += (values[start + k] - stretch[k]) ** 2;
    if (k === L) matches.push({ start, distance: Math.round((1e6 * sum) / L) });
  }
  matches.sort((one, two) => one.distance - two.distance || one.start - two.start);
  const found = [];
  const taken = new Uint8Array(values.length + L);
  for (const { start } of matches) {
    if (taken[start] || taken[start + L - 1]) continue;
    found.push(start);
    taken.fill(1, start, start + L);
  }
  return found;
}
