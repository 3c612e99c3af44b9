// What the figures share: elements, labelled controls bound to the model, a text summary, a responsive picture.

const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// html("p", { class: "…" }, "text", child). In JupyterLab, keys belong to the control that has the focus, not to the notebook.
export function html(tag, attributes = {}, ...children) {
  const keys = /^(input|select|textarea|button)$/.test(tag) ? { "data-lm-suppress-shortcuts": "true" } : {};
  return build(document.createElement(tag), { ...keys, ...attributes }, children);
}

// svg("circle", { r: 4 })
export const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS(SVG, tag), attributes, children);

// a number in a fixed number of digits, with a true minus sign and no negative zero
export function fixed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

// a packed array of rnnlib.figures.base.pack: { data: typed array, shape }
export function unpack({ dtype, shape, data }) {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  if (dtype === "float16") return { shape, data: Float32Array.from(new Uint16Array(bytes.buffer), half) };
  const types = {
    float32: Float32Array,
    float64: Float64Array,
    uint8: Uint8Array,
    uint16: Uint16Array,
    uint32: Uint32Array,
    int32: Int32Array,
  };
  return { shape, data: new types[dtype](bytes.buffer) };
}

// the float16 number with these 16 bits
function half(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
  return bits >> 15 ? -size : size;
}

// the fill of a value in [-1, 1]: blue above zero, orange below, pale enough for text on top of it
export function diverging(value) {
  const share = Math.round(Math.min(1, Math.abs(value)) * 52);
  return `color-mix(in oklab, var(--rf-${value < 0 ? "negative" : "positive"}) ${share}%, var(--rf-surface))`;
}

// The frame of a figure. All controls are native and bound both ways: the reader's hand sets the model (and through it
// the kernel, if there is one), and a change of the model, from wherever it comes, moves the control.
export class View {
  constructor({ model, el }, title) {
    this.model = model;
    this.subscriptions = [];
    this.observers = [];
    this.summary = html("p", { class: "rf-summary", "aria-live": "polite" });
    this.body = html("div", { class: "rf-body" });
    const heading = html("p", { class: "rf-title" }, title);
    // a form of its own keeps the names of radio buttons apart from those of other figures
    const form = html("form", { class: "rf", autocomplete: "off" });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.append(html("div", { role: "group", "aria-label": title }, heading, this.body, this.summary));
    el.classList.add("rnnlib-figure");
    el.append(form);
  }

  // call `callback` whenever one of the traits changes
  on(names, callback) {
    for (const name of names) {
      this.model.on(`change:${name}`, callback);
      this.subscriptions.push([`change:${name}`, callback]);
    }
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  // `write` shows the trait's value in the control, now and after every change
  bind(name, write) {
    const update = () => write(this.model.get(name));
    this.on([name], update);
    update();
  }

  // a slider from `min` to `max`, or over the list `values`
  range(name, { label, min, max, step = 1, values, format = String }) {
    const value = html("span", { class: "rf-value" });
    const ends = values ? { min: 0, max: values.length - 1, step: 1 } : { min, max, step };
    const input = html("input", { type: "range", ...ends });
    input.addEventListener("input", () => this.set(name, values ? values[input.value] : Number(input.value)));
    this.bind(name, (number) => {
      input.value = values ? values.indexOf(number) : number;
      value.textContent = format(number);
      input.setAttribute("aria-valuetext", format(number));
    });
    return html("label", { class: "rf-control" }, html("span", { class: "rf-label" }, label), input, value);
  }

  // back, next and a slider for a trait that counts from `min` to `max()`, which may depend on the traits `names`
  stepper(name, { min, max, names = [] }) {
    const at = () => Math.min(max(), Math.max(min, this.model.get(name)));
    const back = this.button("◀ Back", () => this.set(name, at() - 1));
    const next = this.button("Next ▶", () => this.set(name, at() + 1));
    const value = html("span", { class: "rf-value" });
    const input = html("input", { type: "range", min, step: 1 });
    input.addEventListener("input", () => this.set(name, Number(input.value)));
    const update = () => {
      input.max = max();
      input.value = at();
      value.textContent = `${at()} of ${max()}`;
      input.setAttribute("aria-valuetext", value.textContent);
      back.disabled = at() === min;
      next.disabled = at() === max();
    };
    this.on([name, ...names], update);
    update();
    const slider = html("label", { class: "rf-control" }, html("span", { class: "rf-label" }, "Step"), input, value);
    return html("div", { class: "rf-row" }, back, next, slider);
  }

  // options: [value, text]; a value may be a number
  select(name, { label, options }) {
    const items = options.map(([value, text]) => html("option", { value }, text));
    const input = html("select", {}, items);
    input.addEventListener("change", () => this.set(name, options[input.selectedIndex][0]));
    this.bind(name, (value) => (input.value = value));
    return html("label", { class: "rf-control" }, html("span", { class: "rf-label" }, label), input);
  }

  text(name, { label, maxlength }) {
    const input = html("input", { type: "text", maxlength, spellcheck: "false", autocapitalize: "off" });
    input.addEventListener("input", () => this.set(name, input.value));
    this.bind(name, (value) => {
      if (input.value !== value) input.value = value; // else the cursor would jump to the end
    });
    return html("label", { class: "rf-control rf-text" }, html("span", { class: "rf-label" }, label), input);
  }

  // a row of radio buttons, one of which is pressed
  radios(name, { label, options }) {
    const inputs = options.map(([value]) => html("input", { type: "radio", name, value }));
    for (const input of inputs) input.addEventListener("change", () => this.set(name, input.value));
    this.bind(name, (value) => inputs.forEach((input) => (input.checked = input.value === String(value))));
    const choices = options.map(([, text], i) => html("label", {}, inputs[i], html("span", {}, text)));
    return html("fieldset", { class: "rf-radios" }, html("legend", { class: "rf-label" }, label), ...choices);
  }

  checkbox(name, { label }) {
    const input = html("input", { type: "checkbox" });
    input.addEventListener("change", () => this.set(name, input.checked));
    this.bind(name, (value) => (input.checked = value));
    return html("label", { class: "rf-check" }, input, html("span", {}, label));
  }

  button(label, onclick, attributes = {}) {
    return html("button", { type: "button", onclick, ...attributes }, label);
  }

  // the text summary; a screen reader is not told of every pixel of a drag
  say(text) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.summary.textContent = text), this.summary.textContent ? 250 : 0);
  }

  // a picture that draws itself for the width it has: draw(svg element, width) on every resize and on every change of `names`
  picture(label, names, draw) {
    const root = svg("svg", { class: "rf-picture", role: "img", "aria-label": label });
    let width = 0;
    const redraw = () => {
      if (width) draw(root, width);
    };
    const observer = new ResizeObserver(([entry]) => {
      if (Math.round(entry.contentRect.width) === width) return;
      width = Math.round(entry.contentRect.width);
      redraw();
    });
    const box = html("div", { class: "rf-picture-box" }, root);
    observer.observe(box);
    this.observers.push(observer);
    this.on(names, redraw);
    return box;
  }

  // what render returns: called when the figure leaves the page
  dispose() {
    clearTimeout(this.timer);
    for (const observer of this.observers) observer.disconnect();
    for (const [event, callback] of this.subscriptions) this.model.off(event, callback);
  }
}
