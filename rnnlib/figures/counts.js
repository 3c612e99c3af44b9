// Counts of a text, made in the page, and the n-gram models that come from them: rnnlib.ngrams for the page.

export class Counts {
  constructor(text, discounts) {
    this.text = text;
    this.alphabet = [...new Set(text)].sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
    this.index = new Map(this.alphabet.map((character, k) => [character, k]));
    this.discounts = discounts;
    this.known = new Map();
  }

  // what has followed a context: { counts: c(hw), lefts: N1+(·hw) }, each (V,)
  followers(context) {
    if (this.known.has(context)) return this.known.get(context);
    const V = this.alphabet.length;
    const counts = new Float64Array(V);
    const lefts = Array.from({ length: V }, () => new Set());
    const { text, index } = this;
    for (
      let at = text.indexOf(context);
      at >= 0 && at + context.length < text.length;
      at = text.indexOf(context, at + 1)
    ) {
      const w = index.get(text[at + context.length]);
      counts[w]++;
      if (at > 0) lefts[w].add(text[at - 1]);
    }
    const found = { counts, lefts: Float64Array.from(lefts, (set) => set.size) };
    this.known.set(context, found);
    return found;
  }

  // P(·|h) = (c(hw) + k) / (c(h·) + k V); null where k = 0 and h has not been seen
  addK(context, order, k) {
    const { counts } = this.followers(tail(context, order - 1));
    const total = sum(counts) + k * counts.length;
    return total > 0 ? Array.from(counts, (c) => (c + k) / total) : null;
  }

  // interpolated: (c − D)/c(h·) + D N1+(h·)/c(h·) · P(w|h'), with N1+(·hw) for c below the highest order
  kneserNey(context, order) {
    const h = tail(context, order - 1);
    let p = this.alphabet.map(() => 1 / this.alphabet.length);
    for (let n = 1; n <= h.length + 1; n++) {
      const { counts, lefts } = this.followers(tail(h, n - 1));
      const c = n < order ? lefts : counts;
      const D = this.discounts[order - 1][n - 1];
      const total = sum(c);
      if (total === 0) continue;
      const passedOn = (D * c.filter((count) => count > 0).length) / total;
      p = p.map((shorter, w) => Math.max(0, c[w] - D) / total + passedOn * shorter);
    }
    return p;
  }

  // has the whole context of this order occurred before?
  seen(context, order) {
    return sum(this.followers(tail(context, order - 1)).counts) > 0;
  }

  distribution(context, { order, smoothing, k }) {
    if (smoothing === "Kneser-Ney") return this.kneserNey(context, order);
    return this.addK(context, order, smoothing === "add-k" ? k : 0);
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const tail = (text, length) => (length > 0 ? text.slice(-length) : "");
