// A trained character model reads what is typed. See type_ahead.py.
import { affine, gruStep, lstmStep, pick, random, rnnStep, softmax } from "./cells.js";
import { View, fixed, html, svg, unpack } from "./view.js";

const STEPS = { RNN: rnnStep, GRU: gruStep, LSTM: lstmStep };
const CANDIDATES = 10;
const CONTINUATION = 60;

// ---- the model ------------------------------------------------------------------------------------------------------

// Reads texts, and keeps the state after every character: a text that begins like the last one costs only what is new.
export class Reader {
  constructor({ kind, options, hidden_size: H, vocabulary, params }) {
    this.characters = [...vocabulary];
    this.index = new Map(this.characters.map((character, k) => [character, k]));
    this.params = Object.fromEntries(Object.entries(params).map(([name, packed]) => [name, unpack(packed).data]));
    this.step = (x, state) => STEPS[kind](this.params, x, state, options).state;
    const zeros = () => new Float64Array(H);
    this.start = this.next([zeros(), ...(kind === "LSTM" ? [zeros()] : [])], this.index.get("\n") ?? 0);
    this.read = { text: [], moments: [this.start] };
  }

  // one character more: the new state, and the logits of what follows
  next(state, k) {
    const x = new Float64Array(this.characters.length);
    x[k] = 1;
    const after = this.step(x, state);
    return { state: after, logits: affine(after[0], this.params.W_hq, this.params.b_q) };
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

  // how the network would go on, drawn character by character
  *continuation({ moments }, temperature, seed) {
    const uniform = random(seed);
    let { state, logits } = moments.at(-1);
    for (let n = 0; n < CONTINUATION; n++) {
      const k = pick(softmax(logits, temperature), uniform());
      yield this.characters[k];
      ({ state, logits } = this.next(state, k));
    }
  }
}

const visible = (character) => ({ "\n": "⏎", " ": "␣" })[character] ?? character;

// ---- the parts of the figure ----------------------------------------------------------------------------------------

// the text with each character's surprise as its shade, and the continuation behind it
function page() {
  const typed = html("span");
  const further = html("span", { class: "ta-further" });
  const note = html("p", { class: "rf-note" });
  const show = ({ known, bits, unknown }) => {
    const letters = known.map((character, t) => {
      const letter = html("span", { class: "ta-letter" }, character);
      letter.style.setProperty("--surprise", `${Math.round(Math.min(1, bits[t] / 8) * 60)}%`);
      return letter;
    });
    typed.replaceChildren(...letters);
    const skipped = unknown.length ? ` It does not know ${unknown.join(" ")} and skips it.` : "";
    const mean = bits.reduce((sum, b) => sum + b, 0) / Math.max(1, bits.length);
    note.textContent = `Shade: the surprise of each character, ${fixed(mean, 1)} bits on average. In green: how the network goes on.${skipped}`;
  };
  return { node: html("div", {}, html("p", { class: "ta-page" }, typed, further), note), show, further };
}

function candidateList() {
  const rows = Array.from({ length: CANDIDATES }, () => {
    const name = html("span", { class: "ta-name" });
    const bar = html("span", { class: "rf-bar ta-bar" });
    const share = html("span", { class: "rf-number" });
    return { name, bar, share, row: html("li", {}, name, html("span", { class: "ta-track" }, bar), share) };
  });
  const heading = html("p", { class: "rf-heading" }, "The next character");
  const list = html(
    "ol",
    { class: "ta-candidates" },
    rows.map(({ row }) => row),
  );
  const show = (candidates) =>
    rows.forEach(({ name, bar, share, row }, n) => {
      row.hidden = n >= candidates.length;
      if (row.hidden) return;
      name.textContent = visible(candidates[n].character);
      bar.style.width = `${100 * candidates[n].p}%`;
      share.textContent = `${fixed(100 * candidates[n].p, 1)} %`;
    });
  return { node: html("div", {}, heading, list), show };
}

// the hidden state: one square per unit, blue above zero and orange below
function stateGrid(H) {
  const columns = 16;
  const cell = 12;
  const height = Math.ceil(H / columns) * cell;
  const squares = Array.from({ length: H }, (_, j) =>
    svg("rect", {
      x: (j % columns) * cell + 0.5,
      y: Math.floor(j / columns) * cell + 0.5,
      width: cell - 1.5,
      height: cell - 1.5,
      rx: 1.5,
    }),
  );
  const label = `The hidden state: ${H} squares, one per unit, blue above zero and orange below`;
  const picture = svg(
    "svg",
    { class: "rf-picture", viewBox: `0 0 ${columns * cell} ${height}`, role: "img", "aria-label": label },
    squares,
  );
  const heading = html("p", { class: "rf-heading" }, `The hidden state, ${H} units from −1 to 1`);
  const show = (h) =>
    squares.forEach((square, j) => {
      square.setAttribute("class", h[j] < 0 ? "ta-negative" : "ta-positive");
      square.setAttribute("fill-opacity", Math.abs(h[j]).toFixed(2));
    });
  return { node: html("div", { class: "ta-state" }, heading, picture), show };
}

// ---- the figure -----------------------------------------------------------------------------------------------------

export function predict(reader, text, temperature) {
  const reading = reader.moments(text);
  const p = softmax(reading.moments.at(-1).logits, temperature);
  return {
    reading,
    known: reading.known,
    unknown: [...new Set([...text].filter((character) => !reader.index.has(character)))],
    bits: reading.moments.slice(1).map((moment) => moment.bits),
    h: reading.moments.at(-1).state[0],
    candidates: p.map((share, k) => ({ character: reader.characters[k], p: share })).sort((a, b) => b.p - a.p),
  };
}

function summarise({ known, candidates }, temperature, further) {
  const best = candidates.slice(0, 3).map(({ character, p }) => `${visible(character)} with ${Math.round(100 * p)} %`);
  const end = known.slice(-12).join("");
  const next = `After “${end}” the network expects ${best.join(", ")} at temperature ${fixed(temperature, 1)}.`;
  return `${next} It might go on “${further.replaceAll("\n", " ⏎ ")}”.`;
}

function render({ model, el }) {
  const view = new View({ model, el }, "Type ahead: what comes next?");
  const reader = new Reader(model.get("network"));
  const parts = { page: page(), candidates: candidateList(), state: stateGrid(model.get("network").hidden_size) };
  let frame = 0;

  // the continuation is written a few characters per frame, so that typing never waits for it
  function goOn(seen, temperature, letters, text) {
    for (let n = 0; n < 8; n++) text += letters.next().value ?? "";
    parts.page.further.textContent = text;
    if (text.length < CONTINUATION) frame = requestAnimationFrame(() => goOn(seen, temperature, letters, text));
    else view.say(summarise(seen, temperature, text));
  }

  const update = () => {
    cancelAnimationFrame(frame);
    const temperature = model.get("temperature");
    const seen = predict(reader, model.get("text"), temperature);
    parts.page.show(seen);
    parts.candidates.show(seen.candidates.slice(0, CANDIDATES));
    parts.state.show(seen.h);
    goOn(seen, temperature, reader.continuation(seen.reading, temperature, model.get("seed")), "");
  };
  const format = (t) => fixed(t, 1);
  const temperature = view.range("temperature", { label: "Temperature", min: 0.1, max: 2, step: 0.1, format });
  const again = view.button("Draw another", () => view.set("seed", model.get("seed") + 1));
  view.body.append(
    view.text("text", { label: "Type here", maxlength: 120 }),
    parts.page.node,
    html("div", { class: "rf-row" }, temperature, again),
    html("div", { class: "rf-columns ta-columns" }, parts.candidates.node, parts.state.node),
  );
  view.on(["text", "temperature", "seed"], update);
  update();
  return () => {
    cancelAnimationFrame(frame);
    view.dispose();
  };
}

export default { render };
