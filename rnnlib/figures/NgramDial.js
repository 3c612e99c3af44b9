// Order and smoothing of an n-gram model: bits per character, unseen n-grams, a sample. See ngram_dial.py.
import { pick, random } from "./cells.js";
import { View, fixed, html, svg } from "./view.js";

const ORDERS = [1, 2, 3, 4, 5, 6, 7, 8];
const SAMPLE = 180; // characters

// ---- the counts, made in the page from a piece of text --------------------------------------------------------------

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

  distribution(context, { order, smoothing, k }) {
    if (smoothing === "Kneser-Ney") return this.kneserNey(context, order);
    return this.addK(context, order, smoothing === "add-k" ? k : 0);
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const tail = (text, length) => (length > 0 ? text.slice(-length) : "");

// A text drawn from the model, starting after a line break. `blind`: its whole context was never seen.
function* sample(counts, options, seed) {
  const uniform = random(seed);
  let context = "\n";
  for (let n = 0; n < SAMPLE; n++) {
    const p = counts.distribution(context, options);
    if (p === null) return; // the end of the piece: nothing has ever followed
    const h = tail(context, options.order - 1);
    const blind = sum(counts.followers(h).counts) === 0;
    const character = counts.alphabet[pick(p, uniform())];
    yield { character, blind };
    context = tail(context + character, 8);
  }
}

// ---- the curves -----------------------------------------------------------------------------------------------------

function curves(model) {
  const { bits, ks, unseen } = model.get("measured");
  return {
    "maximum likelihood": bits["maximum likelihood"],
    "add-k": bits["add-k"][ks.indexOf(model.get("k"))],
    "Kneser-Ney": bits["Kneser-Ney"],
    unseen,
  };
}

const KINDS = { "maximum likelihood": "ml", "add-k": "addk", "Kneser-Ney": "kn" };

function draw(root, width, model) {
  const [left, right, top] = [30, 12, 40];
  const plot = width < 460 ? 170 : 220;
  const bars = 70;
  const height = top + plot + 34 + bars + 24;
  const x = (n) => left + ((n - 0.5) * (width - left - right)) / 8;
  const y = (bits) => top + plot - (Math.min(bits, 5.2) / 5.2) * plot;
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("height", height);
  const all = curves(model);
  const chosen = model.get("smoothing");
  const parts = [...axes(width, left, right, x, y, top, plot)];
  const names = Object.keys(KINDS).sort((a, b) => (a === chosen) - (b === chosen)); // the chosen one on top
  for (const name of names) parts.push(...curve(all[name], x, y, top, KINDS[name], name === chosen));
  parts.push(...reading(all[chosen][model.get("order") - 1], model.get("order"), x, y, top, KINDS[chosen], width));
  parts.push(...unseenBars(all.unseen, model.get("order"), x, top + plot + 34, bars, (width - left - right) / 8, left));
  root.replaceChildren(...parts);
}

const label = (x, y, text, options = {}) => svg("text", { x, y, class: "rf-soft", "font-size": 12, ...options }, text);

function axes(width, left, right, x, y, top, plot) {
  const parts = [label(0, 14, "bits per character, held-out text")];
  for (const bits of [0, 1, 2, 3, 4, 5]) {
    parts.push(svg("line", { class: "ng-grid", x1: left, x2: width - right, y1: y(bits), y2: y(bits) }));
    parts.push(label(left - 8, y(bits) + 4, bits, { "text-anchor": "end" }));
  }
  for (const n of ORDERS) parts.push(label(x(n), top + plot + 17, n, { "text-anchor": "middle" }));
  return parts;
}

// a curve; where it is infinite it leaves through the top
function curve(bits, x, y, top, kind, chosen) {
  const points = ORDERS.map((n) => [x(n), bits[n - 1] === null ? top - 14 : y(bits[n - 1])]);
  const finite = bits.filter((value) => value !== null).length;
  const inside = points.slice(0, finite + 1);
  const style = { class: `ng-curve ${kind} ${chosen ? "chosen" : ""}` };
  const parts = [svg("polyline", { ...style, points: inside.map((point) => point.join(",")).join(" ") })];
  points.forEach(([px, py], n) => {
    if (bits[n] !== null) parts.push(svg("circle", { ...style, cx: px, cy: py, r: chosen ? 4 : 2.5 }));
    else parts.push(svg("text", { ...style, x: px, y: top - 8, "font-size": 15, "text-anchor": "middle" }, "∞"));
  });
  return parts;
}

// the value at the chosen order
function reading(bits, order, x, y, top, kind, width) {
  const text = bits === null ? "∞" : fixed(bits, 2);
  const cy = bits === null ? top - 13 : y(bits);
  const right = x(order) > width - 60;
  const where = { x: x(order) + (right ? -12 : 0), y: cy - 14, "text-anchor": right ? "end" : "middle" };
  const parts = [svg("line", { class: "ng-now", x1: x(order), x2: x(order), y1: cy + 10, y2: y(0) + 4 })];
  if (bits === null) return parts;
  parts.push(svg("circle", { class: `ng-ring ${kind}`, cx: x(order), cy, r: 8 }));
  parts.push(svg("text", { class: `ng-value ${kind}`, ...where, "font-size": 16 }, text));
  return parts;
}

function unseenBars(unseen, order, x, top, height, gap, left) {
  const parts = [label(0, top + 8, "new n-grams in held-out text")];
  const full = height - 34;
  ORDERS.forEach((n) => {
    const size = Math.max(1, unseen[n - 1] * full * 2);
    const style = { class: n === order ? "ng-bar now" : "ng-bar", x: x(n) - gap * 0.3, width: gap * 0.6 };
    parts.push(svg("rect", { ...style, y: top + height - size, height: size, rx: 2 }));
    const percent = `${fixed(100 * unseen[n - 1], unseen[n - 1] < 0.1 ? 1 : 0)}%`;
    const emphasis = n === order ? "ng-share now" : "ng-share";
    parts.push(
      label(x(n), top + height + 16, percent, { "text-anchor": "middle", class: emphasis, "font-size": 11.5 }),
    );
  });
  parts.push(
    svg("line", { class: "ng-grid", x1: left, x2: x(8) + gap / 2, y1: top + height + 0.5, y2: top + height + 0.5 }),
  );
  return parts;
}

// ---- the figure -----------------------------------------------------------------------------------------------------

function legend() {
  const entry = (name, kind) => html("span", { class: `ng-key ${kind}` }, name);
  return html("p", { class: "ng-legend" }, ...Object.entries(KINDS).map(([name, kind]) => entry(name, kind)));
}

function summarise(model) {
  const [order, smoothing, k] = ["order", "smoothing", "k"].map((name) => model.get(name));
  const all = curves(model);
  const bits = all[smoothing][order - 1];
  const name = smoothing === "add-k" ? `add-k with k = ${k}` : smoothing;
  const cost =
    bits === null
      ? "infinitely many bits: it gives probability zero to what it has not seen"
      : `${fixed(bits, 2)} bits per character`;
  const share = fixed(100 * all.unseen[order - 1], 1);
  return `Order ${order}, ${name}: held-out text costs ${cost}. Of its ${order}-grams, ${share} % never occur in the training text.`;
}

function render({ model, el }) {
  const view = new View({ model, el }, "How much context, and how to smooth?");
  const { text, discounts, train, ks } = model.get("measured");
  const counts = new Counts(text, discounts);
  const options = () => ({ order: model.get("order"), smoothing: model.get("smoothing"), k: model.get("k") });
  const page = html("p", { class: "ng-sample" });
  let frame = 0;

  // the sample is written a few characters per frame, so that no dial waits for it
  function write(letters, fresh) {
    if (fresh) page.replaceChildren();
    for (let n = 0; n < (fresh ? 3 : 6); n++) {
      const { value, done } = letters.next();
      if (done) return;
      page.append(value.blind ? html("span", { class: "ng-blind" }, value.character) : value.character);
    }
    frame = requestAnimationFrame(() => write(letters, false));
  }
  const update = () => {
    cancelAnimationFrame(frame);
    write(sample(counts, options(), model.get("seed")), true);
    view.say(`${summarise(model)} Sample ${model.get("seed")}.`);
  };

  const order = view.range("order", { label: "Order n", min: 1, max: 8 });
  const smoothing = view.radios("smoothing", {
    label: "Smoothing",
    options: Object.keys(KINDS).map((name) => [name, name]),
  });
  const k = view.select("k", { label: "k", options: ks.map((value) => [value, String(value)]) });
  view.bind("smoothing", (name) => (k.hidden = name !== "add-k"));
  const again = view.button("Draw another", () => view.set("seed", model.get("seed") + 1));
  const watched = ["order", "smoothing", "k", "measured"];
  const size = (length) => length.toLocaleString("en-US");
  view.body.append(
    html("div", { class: "ng-dials" }, order, html("div", { class: "rf-row" }, smoothing, k)),
    html(
      "div",
      {},
      legend(),
      view.picture("Bits per character and share of new n-grams, by order", watched, (root, width) =>
        draw(root, width, model),
      ),
    ),
    html(
      "div",
      {},
      html("div", { class: "rf-row" }, html("p", { class: "rf-heading ng-grow" }, "A sample"), again),
      page,
    ),
    html(
      "p",
      { class: "rf-note" },
      `Curves: counted from ${size(train)} characters. Sample: drawn from counts of ${size(text.length)} of them. Orange: the context before this character was never seen, so the model is guessing.`,
    ),
  );
  view.on([...watched, "seed"], update);
  update();
  return () => {
    cancelAnimationFrame(frame);
    view.dispose();
  };
}

export default { render };
