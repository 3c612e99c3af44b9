// A trained encoder and decoder, with attention or without: rnnlib.seq2seq for the page. See translator.py.
//
// After the recurrent step the decoder looks at the encoder's states (Luong et al. 2015): scores e_tj, weights α_tj, a
// context U_t, and M_t = tanh([U_t, H_t] W_m), from which the next symbol is read. Everything is a plain function of what
// came before, so that a row of weights can be replaced, a prefix forced, and a pruned branch taken up again.

import { affine, gruStep, lstmStep, softmax } from "./cells.js";
import { unpack } from "./elements.js";

const STEPS = { GRU: gruStep, LSTM: lstmStep };
// rnnlib.seq2seq.SPECIAL: <pad> <bos> <eos> <unk>
export const BOS = 1;
export const EOS = 2;
const UNK = 3;

const joined = (one, other) => {
  const both = new Float64Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
};
const dot = (a, b) => {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
};
const product = (v, W, columns) => affine(v, W, new Float64Array(columns));
const tanh = (values) => values.map(Math.tanh);
const unpacked = (group) => Object.fromEntries(Object.entries(group).map(([name, p]) => [name, unpack(p).data]));

// what scores the encoder's states: scores(h, memory) -> e_tj for all j; `prepare` is done once for a source
const SCORES = {
  dot: () => ({ scores: (h, { encoded }) => encoded.map((state) => dot(h, state)) }),
  scaled_dot: () => ({ scores: (h, { encoded }) => encoded.map((state) => dot(h, state) / Math.sqrt(h.length)) }),
  general: ({ W_a }) => ({
    scores: (h, { encoded }) => {
      const query = product(h, W_a, h.length);
      return encoded.map((state) => dot(query, state));
    },
  }),
  additive: ({ W_d, W_e, v_a }) => ({
    prepare: (encoded) => encoded.map((state) => product(state, W_e, v_a.length)),
    scores: (h, { prepared }) => {
      const query = product(h, W_d, v_a.length);
      return prepared.map((key) =>
        dot(
          v_a,
          key.map((value, k) => Math.tanh(value + query[k])),
        ),
      );
    },
  }),
};

// The symbols of a text, the longest that is known first; what is unknown is left out and named.
function cut(text, index, longest) {
  const [characters, ids, unknown] = [[...text], [], []];
  for (let at = 0; at < characters.length; ) {
    let n = Math.min(longest, characters.length - at);
    while (n > 1 && !index.has(characters.slice(at, at + n).join(""))) n--;
    const symbol = characters.slice(at, at + n).join("");
    if (index.has(symbol)) ids.push(index.get(symbol));
    else unknown.push(symbol);
    at += n;
  }
  return { ids, unknown };
}

class Symbols {
  constructor(list) {
    this.list = list;
    this.index = new Map(list.map((symbol, k) => [symbol, k]).slice(UNK + 1));
    this.longest = Math.max(1, ...list.slice(UNK + 1).map((symbol) => [...symbol].length));
  }
  cut(text) {
    return cut(text, this.index, this.longest);
  }
  text(ids) {
    return ids
      .filter((k) => k > EOS)
      .map((k) => this.list[k])
      .join("");
  }
}

export class Translator {
  constructor({ kind, options, hidden_size, context, use, attention, source, target, encoder, backwards, decoder }) {
    Object.assign(this, { kind, H: hidden_size, context, use });
    [this.source, this.target] = [new Symbols(source), new Symbols(target)];
    this.encoder = unpacked(encoder);
    this.backwards = backwards ? unpacked(backwards) : null;
    this.decoder = unpacked(decoder);
    this.attention = attention ? SCORES[attention](this.decoder) : null;
    this.forward = (params, x, state) => STEPS[kind](params, x, state, options).state;
  }

  zeros(width) {
    return Array.from({ length: this.kind === "LSTM" ? 2 : 1 }, () => new Float64Array(width));
  }

  embed({ embedding }, k, list) {
    const width = embedding.length / list.length;
    return embedding.subarray(k * width, (k + 1) * width);
  }

  // all states of one direction, in the order in which the source is written, and the last one
  run(params, inputs, width) {
    let state = this.zeros(width);
    const states = inputs.map((x) => {
      state = this.forward(params, x, state);
      return state[0];
    });
    return { states, last: state };
  }

  // what the decoder may look at: the encoder's states, the fixed context, the state that it starts from
  encode(ids) {
    const inputs = ids.map((k) => this.embed(this.encoder, k, this.source.list));
    const width = this.backwards ? this.H / 2 : this.H;
    let { states: encoded, last } = this.run(this.encoder, inputs, width);
    if (this.backwards) {
      const back = this.run(this.backwards, [...inputs].reverse(), width);
      back.states.reverse();
      encoded = encoded.map((state, j) => joined(state, back.states[j]));
      last = last.map((part, n) => joined(part, back.last[n]));
    }
    const [context, cell] = this.summary(encoded, last);
    const state = this.use === "input" ? this.zeros(this.H) : this.kind === "LSTM" ? [context, cell] : [context];
    return { encoded, context, state, prepared: this.attention?.prepare?.(encoded) };
  }

  // U, and what an LSTM's cell starts from
  summary(encoded, last) {
    if (this.context === "last" || !encoded.length) return [last[0], last.at(-1)];
    const { W_u, b_u } = this.encoder;
    const mean = () =>
      encoded
        .reduce((sum, state) => sum.map((value, k) => value + state[k]), new Float64Array(this.H))
        .map((value) => value / encoded.length);
    const before = affine(this.context === "transform_last" ? last[0] : mean(), W_u, b_u);
    return [tanh(before), before];
  }

  // One symbol more. `look(own)` may put another row in the place of the model's own weights.
  step(symbol, state, memory, look = null) {
    const { decoder } = this;
    const embedded = this.embed(decoder, symbol, this.target.list);
    const x = this.use === "initial" ? embedded : joined(embedded, memory.context);
    const after = this.forward(decoder, x, state);
    if (!this.attention) return { state: after, p: softmax(affine(after[0], decoder.W_hq, decoder.b_q)) };
    const own = memory.encoded.length ? softmax(this.attention.scores(after[0], memory)) : [];
    const weights = look?.(own) ?? own;
    const context = new Float64Array(this.H);
    memory.encoded.forEach((encoded, j) => {
      if (weights[j]) for (let k = 0; k < this.H; k++) context[k] += weights[j] * encoded[k];
    });
    const m = tanh(product(joined(context, after[0]), decoder.W_m, this.H));
    return { state: after, own, weights, m, p: softmax(affine(m, decoder.W_mq, decoder.b_q)) };
  }
}

// the likeliest symbol that may follow
const likeliest = (p) => {
  let best = EOS;
  for (let k = EOS; k < p.length; k++) if (p[k] > p[best]) best = k;
  return best;
};

// Greedy search from the moments that are there already; yields after each symbol.
//   moments: [{ symbol, p, state, own, weights, m }];  prefix: ids that are forced;  looks(t): see Translator.step
export const decoding = function* (translator, memory, { moments = [], prefix = [], looks = () => null, limit = 200 }) {
  while (moments.length < limit && moments.at(-1)?.symbol !== EOS) {
    const t = moments.length;
    const before = moments.at(-1);
    const moment = translator.step(before?.symbol ?? BOS, before?.state ?? memory.state, memory, looks(t));
    moments.push({ ...moment, symbol: prefix[t] ?? (t === limit - 1 ? EOS : likeliest(moment.p)) });
    yield moments;
  }
  return moments;
};

// the same at once
export function decode(translator, memory, options = {}) {
  const moments = [];
  for (const _ of decoding(translator, memory, { ...options, moments }));
  return moments;
}
