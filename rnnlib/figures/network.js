// A trained character model that reads and writes text. See type_ahead.py, network_of.

import { affine, gruStep, lstmStep, pick, random, rnnStep, softmax } from "./cells.js";
import { unpack } from "./elements.js";

const STEPS = { RNN: rnnStep, GRU: gruStep, LSTM: lstmStep };

// Reads texts, and keeps the state after every character: a text that begins like the last one costs only what is new.
export class Reader {
  // hook: see cells.js; whoever changes what it does must call forget()
  constructor({ kind, options, hidden_size: H, vocabulary, params }, hook = undefined) {
    this.characters = [...vocabulary];
    this.index = new Map(this.characters.map((character, k) => [character, k]));
    this.params = Object.fromEntries(Object.entries(params).map(([name, packed]) => [name, unpack(packed).data]));
    this.step = (x, state) => STEPS[kind](this.params, x, state, { ...options, hook });
    const zeros = () => new Float64Array(H);
    this.zero = [zeros(), ...(kind === "LSTM" ? [zeros()] : [])];
    this.forget();
  }

  forget() {
    this.start = this.next(this.zero, this.index.get("\n") ?? 0);
    this.read = { text: [], moments: [this.start] };
  }

  // one character more: the new state, its gates, and the logits of what follows
  next(state, k) {
    const x = new Float64Array(this.characters.length);
    x[k] = 1;
    const { state: after, gates } = this.step(x, state);
    return { state: after, gates, logits: affine(after[0], this.params.W_hq, this.params.b_q) };
  }

  // The known characters of a text, and the moments before and after each: `bits` is the surprise of the character
  // that was read last, at temperature 1 whatever the slider says.
  moments(text) {
    const known = [...text].filter((character) => this.index.has(character));
    const { text: old, moments } = this.read;
    let same = 0;
    while (same < known.length && known[same] === old[same]) same++;
    moments.length = same + 1;
    for (const character of known.slice(same)) {
      const k = this.index.get(character);
      const { state, logits } = moments.at(-1);
      moments.push({ ...this.next(state, k), bits: -Math.log2(softmax(logits)[k]) });
    }
    this.read.text = known;
    return { known, moments };
  }

  // how the network would go on from a moment, drawn character by character
  *continuation(moment, temperature, seed, length) {
    const uniform = random(seed);
    let { state, logits } = moment;
    for (let n = 0; n < length; n++) {
      const k = pick(softmax(logits, temperature), uniform());
      yield this.characters[k];
      ({ state, logits } = this.next(state, k));
    }
  }
}

// What the model has read of a text when it has reached `position` (-1: the end), and what it expects there.
export function predict(reader, text, temperature, position = -1) {
  const { known, moments } = reader.moments(text);
  const at = position < 0 ? known.length : Math.min(position, known.length);
  const moment = moments[at];
  const p = softmax(moment.logits, temperature);
  return {
    at,
    moment,
    moments,
    known,
    unknown: [...new Set([...text].filter((character) => !reader.index.has(character)))],
    bits: moments.slice(1).map(({ bits }) => bits),
    h: moment.state[0],
    p,
    candidates: p.map((share, k) => ({ character: reader.characters[k], p: share })).sort((a, b) => b.p - a.p),
  };
}
