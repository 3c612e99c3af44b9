// The frame of a figure, and its controls. All controls are bound both ways: the reader's hand sets the model (and through
// it the kernel, if there is one), and a change of the model, from wherever it comes, moves the control.

import { stateLinks } from "./address.js";
import { html, rich, svg, unique } from "./elements.js";
import { Stage } from "./stage.js";

const BUDGET = 8; // milliseconds of work in a frame

// options under the names of their groups, in the order in which they stand
function grouped(items, options) {
  if (!options[0]?.[2]) return items;
  const groups = new Map(options.map(([, , label]) => [label, html("optgroup", { label })]));
  items.forEach((item, n) => groups.get(options[n][2]).append(item));
  return [...groups.values()];
}

// three sliders, as a sign
function sliders() {
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round" };
  const d = "M1.5 4h5m4 0h4M1.5 12h3m4 0h6M8.5 2.2v3.6M6.5 10.2v3.6";
  return svg(
    "svg",
    { viewBox: "0 0 16 16", width: 18, height: 18, "aria-hidden": "true" },
    svg("path", { d, ...line }),
  );
}

export class View {
  constructor({ model, el }) {
    this.model = model;
    this.subscriptions = [];
    this.ends = []; // what dispose has to do
    this.jobs = new Map();
    this.stages = [];
    this.dragging = false;
    this.summary = html("p", { class: "rf-summary", "aria-live": "polite" });
    this.body = html("div", { class: "rf-body" });
    this.heading = html("p", { class: "rf-title" });
    this.group = html("div", { role: "group" }, this.heading, this.body, this.summary);
    this.form = html("div", { class: "rf" }, this.group); // no form element: nothing is ever sent
    el.classList.add("rnnlib-figure");
    el.append(this.form);
    this.bind("title", (title) => {
      this.heading.replaceChildren(...rich(title));
      this.group.setAttribute("aria-label", this.heading.textContent);
    });
    this.ends.push(stateLinks(this, el));
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

  get(...names) {
    return names.map((name) => this.model.get(name));
  }

  // `write` shows the trait's value in the control, now and after every change
  bind(name, write) {
    const update = () => write(this.model.get(name));
    this.on([name], update);
    update();
  }

  // call `update` now, and after every change of one of the traits
  follow(names, update) {
    this.on(names, update);
    update();
  }

  // the same, after all others who follow have had their turn: what a figure has computed from the traits is new then
  followLast(names, update) {
    this.on(names, () => queueMicrotask(() => this.gone || update()));
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

  // ▶, which goes on by itself until it is stopped, and a slider to scrub, for a trait that counts from `min` to `max()`
  player(name, { label = "Step", min, max, every = 900, names = [], wrap = null, format }) {
    const at = () => Math.min(max(), Math.max(min, this.model.get(name)));
    let timer = 0;
    const stop = () => {
      clearTimeout(timer);
      timer = 0;
      button.textContent = "▶";
      button.setAttribute("aria-label", `Play: ${label}`);
    };
    const go = () => {
      this.set(name, at() >= max() ? (wrap ?? min) : at() + 1);
      if (at() >= max()) stop();
      else timer = setTimeout(go, every);
    };
    const button = this.button("▶", () => {
      if (timer) return stop();
      button.textContent = "❚❚";
      button.setAttribute("aria-label", `Pause: ${label}`);
      timer = -1;
      go();
    });
    button.classList.add("rf-play");
    const value = html("span", { class: "rf-value" });
    const input = html("input", { type: "range", min, step: 1 });
    input.addEventListener("input", () => {
      stop();
      this.set(name, Number(input.value));
    });
    const update = () => {
      input.max = max();
      input.value = at();
      value.textContent = format?.(at()) ?? `${at()} of ${max()}`;
      input.setAttribute("aria-valuetext", value.textContent);
    };
    this.on([name, ...names], update);
    update();
    stop();
    this.ends.push(stop);
    this.stop = stop;
    const slider = html("label", { class: "rf-control" }, html("span", { class: "rf-label" }, label), input, value);
    const player = html("div", { class: "rf-player" }, button, slider);
    player.update = update; // for a figure that works out later where the end is
    return player;
  }

  // options: [value, text] or [value, text, name of its group]; a value may be a number
  select(name, { label, options }) {
    const items = options.map(([value, text]) => html("option", { value }, text));
    const input = html("select", {}, grouped(items, options));
    input.addEventListener("change", () => this.set(name, options[input.selectedIndex][0]));
    this.bind(name, (value) => {
      input.value = value;
      items.forEach((item, n) => item.toggleAttribute("selected", options[n][0] === value));
    });
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

  // a row of radio buttons, one of which is pressed; what stands in each is a text or an element
  radios(name, { label, options, hidden = false }) {
    const own = unique(name); // apart from those of other figures
    const inputs = options.map(([value]) => html("input", { type: "radio", name: own, value }));
    for (const input of inputs) input.addEventListener("change", () => this.set(name, input.value));
    this.bind(name, (value) => inputs.forEach((input) => (input.checked = input.value === String(value))));
    const choices = options.map(([, text], i) => html("label", {}, inputs[i], html("span", {}, text)));
    const legend = html("legend", { class: hidden ? "rf-hidden" : "rf-label" }, label);
    return html("fieldset", { class: "rf-radios" }, legend, ...choices);
  }

  checkbox(name, { label }) {
    const input = html("input", { type: "checkbox" });
    input.addEventListener("change", () => this.set(name, input.checked));
    this.bind(name, (value) => (input.checked = value));
    return html("label", { class: "rf-check" }, input, html("span", {}, label));
  }

  // the slider that sets what a handle in the picture sets
  twin({ label, names, get, put, step, text, ends }) {
    const value = html("span", { class: "rf-value" });
    const input = html("input", { type: "range", step });
    input.addEventListener("input", () => put(Number(input.value)));
    const name = html("span", { class: "rf-label" });
    const update = () => {
      [input.min, input.max] = ends();
      input.value = get();
      name.textContent = label();
      value.textContent = text(get());
      input.setAttribute("aria-valuetext", value.textContent);
    };
    this.followLast(names, update);
    const control = html("label", { class: "rf-control" }, name, input, value);
    control.update = update;
    return control;
  }

  // Controls that would crowd the figure: a button in its corner opens a panel with them, over the picture.
  more(...controls) {
    if (!this.panel) {
      this.panel = html("div", { class: "rf-panel", role: "group", "aria-label": "All controls", hidden: true });
      const open = (wanted) => {
        this.panel.hidden = !wanted;
        button.setAttribute("aria-expanded", wanted);
      };
      const button = html("button", { type: "button", class: "rf-link rf-more", title: "All controls" }, sliders());
      button.setAttribute("aria-label", "All controls");
      button.addEventListener("click", () => open(this.panel.hidden));
      this.group.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || this.panel.hidden) return;
        open(false);
        button.focus();
      });
      open(false);
      const copy = this.group.querySelector(".rf-copy");
      if (copy) this.form.classList.add("rf-two");
      (copy ?? this.heading).after(button, this.panel);
    }
    this.panel.append(...controls);
  }

  button(label, onclick, attributes = {}) {
    return html("button", { type: "button", onclick, ...attributes }, label);
  }

  row(...controls) {
    return html("div", { class: "rf-row" }, ...controls);
  }

  // the text summary; a screen reader is not told of every pixel of a drag
  say(text) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.summary.textContent = text), this.summary.textContent ? 250 : 0);
  }

  // Work that is longer than a frame: a generator that yields between small pieces, or "frame" to wait for the next one.
  // A job of the same name is given up.
  work(name, job) {
    cancelAnimationFrame(this.jobs.get(name));
    const go = () => {
      const end = performance.now() + BUDGET;
      while (performance.now() < end) {
        const { done, value } = job.next();
        if (done) return;
        if (value === "frame") break;
      }
      this.jobs.set(name, requestAnimationFrame(go));
    };
    this.jobs.set(name, requestAnimationFrame(go));
  }

  // a picture: describe(width) -> { height, marks }
  stage(label, describe) {
    const stage = new Stage(label, describe);
    this.stages.push(stage);
    return stage;
  }

  // Something in the picture that is dragged, and its keyboard twin: an element with the role of a slider.
  //   label: its name, or a function that gives it;  text(value): what a screen reader says
  //   get, set: its value;  min, max, step: what the arrow keys do; min and max may be functions too
  //   at(x, y) -> value: what a pointer at this place means;  keys: other meanings of keys
  // Put the returned node into the marks of the stage: { key, node, attributes: { transform } }.
  //   twin: false where a control in sight sets the same, else a slider under "All controls" does;
  //   node.update() tells both what they show, for a figure that works it out by itself (names: [])
  handle(stage, { label, min, max, step = 1, names, get, set, text, at, keys = {}, shape, kind = "", twin = true }) {
    const node = svg("g", {
      class: `rf-handle ${kind}`,
      role: "slider",
      tabindex: 0,
      "data-lm-suppress-shortcuts": "true",
    });
    node.append(
      svg("circle", { class: "rf-grip", r: 20 }),
      ...[shape ?? svg("circle", { class: "rf-knob", r: 9 })].flat(),
    );
    const now = (given) => (typeof given === "function" ? given() : given);
    const name = () => now(label);
    const put = (value) => set(Math.min(now(max), Math.max(now(min), value)));
    const moves = {
      ArrowRight: () => put(get() + step),
      ArrowUp: () => put(get() + step),
      ArrowLeft: () => put(get() - step),
      ArrowDown: () => put(get() - step),
      PageUp: () => put(get() + 10 * step),
      PageDown: () => put(get() - 10 * step),
      Home: () => put(now(min)),
      End: () => put(now(max)),
      ...keys,
    };
    node.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      move();
    });
    // inside a drawing a browser does not heed touch-action
    node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    if (at) this.drag(stage, node, (x, y) => set(at(x, y)), { focus: () => node.focus({ preventScroll: true }) });
    const update = () => {
      const range = { valuemin: now(min), valuemax: now(max), valuenow: get() };
      for (const [key, value] of Object.entries({ label: name(), ...range, valuetext: text(get()) }))
        if (node.getAttribute(`aria-${key}`) !== String(value)) node.setAttribute(`aria-${key}`, value);
    };
    this.followLast(names, update);
    const ends = () => [now(min), now(max)];
    const slider = twin ? this.twin({ label: name, names, get, put, step, text, ends }) : null;
    if (twin) this.more(slider);
    node.update = () => {
      update();
      slider?.update();
    };
    return node;
  }

  // something in the picture that is clicked, or chosen with Enter: a group that the marks of the stage place
  pick(label, act, { width, height }) {
    const node = svg("g", {
      class: "rf-pick",
      role: "button",
      tabindex: 0,
      "aria-label": label,
      "data-lm-suppress-shortcuts": "true",
      onclick: act,
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        act();
      },
    });
    node.append(svg("rect", { class: "rf-ring", width, height, rx: 5 }));
    return node;
  }

  // act(x, y) while a pointer that went down on `node` moves; `focus()` sends the keyboard's focus to its twin
  drag(stage, node, act, { focus, end: after } = {}) {
    node.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      event.stopPropagation();
      focus?.();
      node.setPointerCapture(event.pointerId);
      this.dragging = true;
      this.stop?.();
      act(...stage.place(event));
      const move = (next) => act(...stage.place(next));
      const end = () => {
        this.dragging = false;
        after?.();
        node.removeEventListener("pointermove", move);
        node.removeEventListener("pointerup", end);
        node.removeEventListener("pointercancel", end);
      };
      node.addEventListener("pointermove", move);
      node.addEventListener("pointerup", end);
      node.addEventListener("pointercancel", end);
    });
  }

  // what render returns: called when the figure leaves the page
  dispose() {
    this.gone = true;
    clearTimeout(this.timer);
    for (const frame of this.jobs.values()) cancelAnimationFrame(frame);
    for (const stage of this.stages) stage.dispose();
    for (const end of this.ends) end();
    for (const [event, callback] of this.subscriptions) this.model.off(event, callback);
  }
}
