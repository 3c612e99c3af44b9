// Pictures whose parts move. A picture is described anew for every state, as a list of marks; a mark with the same key is
// the same element as before, and its numbers run over to their new values. Where less motion is asked for, they jump.

import { html, svg } from "./elements.js";

const DURATION = 300; // milliseconds
const NUMBER = /-?\d+(?:\.\d+)?(?:e-?\d+)?/g;

// mark("circle", "h1", { cx, cy, r, class }, "text"): `from` is where a new element starts, `delay` (0 to 1) how long it waits
export const mark = (tag, key, attributes, text) => ({ tag, key, attributes, text });

export const stillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

const ease = (t) => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

// "M1,2" -> { words: ["M", ",", ""], numbers: [1, 2] }
function parse(value) {
  if (typeof value === "number") return { words: ["", ""], numbers: [value] };
  const text = String(value);
  return { words: text.split(NUMBER), numbers: (text.match(NUMBER) ?? []).map(Number) };
}

const MOVING = /^(x|y|x1|x2|y1|y2|cx|cy|r|rx|width|height|d|points|transform|opacity|fill-opacity|stroke-width)$/;

class Part {
  constructor({ tag, key, node, attributes }) {
    this.key = key;
    this.node = node ?? svg(tag);
    this.now = new Map();
    this.goal = new Map();
    this.run = null;
    const { from } = attributes;
    if (from) for (const [name, value] of Object.entries(from)) this.put(name, value);
  }

  put(name, value) {
    this.now.set(name, value);
    this.node.setAttribute(name, value);
  }

  // set what cannot move, and note what will
  aim({ attributes, text }, moves) {
    const changes = [];
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "from" || name === "delay" || value === undefined || value === null) continue;
      if (this.goal.get(name) === value) continue;
      this.goal.set(name, value);
      const old = this.now.get(name);
      if (moves && MOVING.test(name) && old !== undefined) {
        const [start, end] = [parse(old), parse(value)];
        if (start.words.length === end.words.length && start.words.every((word, n) => word === end.words[n])) {
          changes.push({ name, start: start.numbers, end: end.numbers, words: end.words, value });
          continue;
        }
      }
      this.put(name, value);
    }
    for (const name of [...this.goal.keys()])
      if (attributes[name] === undefined || attributes[name] === null) {
        this.goal.delete(name);
        this.now.delete(name);
        this.node.removeAttribute(name);
      }
    if (text !== undefined && this.node.textContent !== String(text)) this.node.textContent = text;
    if (!changes.length) return;
    const kept = this.run?.changes.filter((old) => !changes.some(({ name }) => name === old.name)) ?? [];
    for (const change of kept) {
      change.start = parse(this.now.get(change.name)).numbers;
      changes.push(change);
    }
    this.run = { changes, delay: attributes.delay ?? 0 };
  }

  step(t) {
    const { changes, delay } = this.run;
    const share = t >= 1 ? 1 : ease(Math.max(0, (t - delay) / (1 - delay)));
    for (const { name, start, end, words, value } of changes) {
      if (share === 1) this.put(name, value);
      else {
        const numbers = start.map((s, n) => Math.round(1000 * (s + (end[n] - s) * share)) / 1000);
        this.put(name, words.length === 2 && !words[0] && !words[1] ? numbers[0] : weave(words, numbers));
      }
    }
    if (share === 1) this.run = null;
  }
}

const weave = (words, numbers) => words.map((word, n) => word + (numbers[n] ?? "")).join("");

// A picture in an SVG element that draws itself for the width it has.
export class Stage {
  // describe(width) -> { height, marks }
  constructor(label, describe) {
    this.layer = svg("g");
    this.hands = svg("g"); // what the reader takes hold of: never moved in the document, or it would lose the focus
    this.root = svg("svg", { class: "rf-picture", role: "group", "aria-label": label }, this.layer, this.hands);
    this.box = html("div", { class: "rf-picture-box" }, this.root);
    this.describe = describe;
    this.parts = new Map();
    this.width = 0;
    this.frame = 0;
    this.observer = new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width === this.width || width === 0) return;
      this.width = width;
      this.show({ moves: false });
    });
    this.observer.observe(this.box);
  }

  // bring the picture to the present state; `moves: false` jumps there
  show({ moves = true } = {}) {
    if (!this.width) return;
    const { height, marks } = this.describe(this.width);
    this.height = height;
    const view = `0 0 ${this.width} ${height}`;
    if (this.root.getAttribute("viewBox") !== view) {
      this.root.setAttribute("viewBox", view);
      this.root.setAttribute("height", height);
    }
    const moving = moves && !stillness();
    const wanted = new Set(marks.map(({ key }) => key));
    for (const [key, part] of this.parts)
      if (!wanted.has(key)) {
        part.node.remove();
        this.parts.delete(key);
      }
    let before = null;
    for (const one of marks) {
      let part = this.parts.get(one.key);
      const fresh = part === undefined;
      if (fresh) {
        part = new Part(one);
        this.parts.set(one.key, part);
      }
      part.aim(one, moving && (!fresh || one.attributes.from));
      if (one.node) {
        if (fresh) this.hands.append(one.node);
        continue;
      }
      if (fresh && moving && !one.attributes.from) fadeIn(part.node);
      const next = before ? before.nextSibling : this.layer.firstChild;
      if (next !== part.node) this.layer.insertBefore(part.node, next);
      before = part.node;
    }
    this.play();
  }

  play() {
    cancelAnimationFrame(this.frame);
    let moving = [...this.parts.values()].filter((part) => part.run);
    if (!moving.length) return;
    const now = performance.now();
    for (const { run } of moving) run.begin ??= now; // what is on its way already goes on from where it is
    const tick = () => {
      for (const part of moving) if (part.run) part.step((performance.now() - part.run.begin) / DURATION);
      moving = moving.filter((part) => part.run);
      if (moving.length) this.frame = requestAnimationFrame(tick);
    };
    this.frame = requestAnimationFrame(tick);
  }

  // a pointer's place in the picture's own units
  place(event) {
    const box = this.root.getBoundingClientRect();
    const scale = this.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
  }
}

function fadeIn(node) {
  node.animate?.([{ opacity: 0 }, { opacity: 1 }], { duration: DURATION, easing: "ease-in" });
}
