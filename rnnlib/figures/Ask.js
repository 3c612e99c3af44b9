// A question that answers in the page: predict first, then see. See ask.py.

import { stateLinks } from "./address.js";
import { html, rich, unique } from "./elements.js";

// what the page says to an answer: { right, hint }
export function judge(model, given) {
  const [kind, answer, hints] = ["kind", "answer", "hints"].map((name) => model.get(name));
  if (kind === "number") {
    const number = parse(given);
    if (number === null) return { right: false, hint: "Please type a number, such as 0.5 or −3." };
    const off = number - Number(answer);
    if (Math.abs(off) <= model.get("tolerance") + 1e-9 * Math.abs(number)) return { right: true };
    const foreseen = Object.keys(hints).find((key) => key !== "" && Number(key) === number);
    return { right: false, hint: hints[foreseen] ?? hints[off < 0 ? "below" : "above"] ?? hints[""] };
  }
  if (given === answer) return { right: true };
  return { right: false, hint: hints[given] ?? hints[given.split(" | ")[0]] ?? hints[""] };
}

function parse(text) {
  const plain = text
    .trim()
    .replaceAll("−", "-")
    .replace(/\s*%$/, "")
    .replace(/^(-?\d+),(\d{3})$/, "$1$2")
    .replace(",", ".");
  return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

// ---- the three kinds of answers -------------------------------------------------------------------------------------

function numberField({ model, give }) {
  const id = unique("ask");
  const input = html("input", { type: "text", inputmode: "decimal", size: 8, id });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    give(input.value);
  });
  const label = html("label", { class: "rf-label", for: id }, "Your guess");
  const unit = html("span", { class: "ask-unit" }, model.get("unit"));
  const check = html("button", { type: "button", onclick: () => give(input.value) }, "Check");
  return {
    node: html("div", { class: "ask-row" }, label, input, unit, check),
    show: (given) => {
      if (given && input.value !== given) input.value = given;
    },
  };
}

function choices({ model, give }) {
  const options = model.get("options");
  const name = unique("answer"); // apart from those of other questions
  const inputs = options.map((value) => html("input", { type: "radio", name, value }));
  inputs.forEach((input) => input.addEventListener("change", () => give(input.value)));
  const labels = options.map((text, n) => html("label", {}, inputs[n], html("span", {}, ...rich(text))));
  return {
    node: html("fieldset", { class: "rf-radios" }, html("legend", { class: "rf-hidden" }, "Your guess"), ...labels),
    show: (given) => inputs.forEach((input) => (input.checked = input.value === given)),
  };
}

// a list whose entries are dragged, or moved with the arrow keys
function ordering({ model, give }) {
  const list = html("ol", { class: "ask-order" });
  let order = [...model.get("options")];
  const items = new Map(order.map((text) => [text, item(text)]));
  const draw = () => list.replaceChildren(...order.map((text) => items.get(text).node));
  const move = (text, to) => {
    const from = order.indexOf(text);
    const place = Math.min(order.length - 1, Math.max(0, to));
    if (place === from) return;
    order.splice(from, 1);
    order.splice(place, 0, text);
    const before = new Map([...items].map(([name, { node }]) => [name, node.getBoundingClientRect().top]));
    draw();
    slide(items, before);
    items.get(text).grip.focus();
    items.get(text).grip.setAttribute("aria-label", `${text}, place ${place + 1} of ${order.length}`);
  };
  function item(text) {
    const grip = html(
      "button",
      { type: "button", class: "ask-grip", "aria-label": `${text}, move with the arrow keys` },
      html("span", { class: "ask-dots", "aria-hidden": "true" }, "⠿"),
      html("span", {}, ...rich(text)),
    );
    const node = html("li", {}, grip);
    grip.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      move(text, order.indexOf(text) + by);
    });
    grip.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      grip.setPointerCapture(event.pointerId);
      const follow = ({ clientY }) => {
        const under = order.findIndex((name) => clientY < items.get(name).node.getBoundingClientRect().bottom);
        move(text, under < 0 ? order.length - 1 : under);
        if (!grip.hasPointerCapture(event.pointerId)) grip.setPointerCapture(event.pointerId);
      };
      const end = () => {
        grip.removeEventListener("pointermove", follow);
        grip.removeEventListener("pointerup", end);
        grip.removeEventListener("pointercancel", end);
      };
      grip.addEventListener("pointermove", follow);
      grip.addEventListener("pointerup", end);
      grip.addEventListener("pointercancel", end);
    });
    return { node, grip };
  }
  draw();
  const check = html("button", { type: "button", onclick: () => give(order.join(" | ")) }, "Check this order");
  return {
    node: html("div", {}, list, html("div", { class: "ask-row" }, check)),
    show: (given) => {
      if (!given || given === order.join(" | ")) return;
      order = given.split(" | ");
      draw();
    },
  };
}

// entries that have changed place move there
function slide(items, before) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const [name, { node }] of items) {
    const by = before.get(name) - node.getBoundingClientRect().top;
    if (by)
      node.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], {
        duration: 220,
        easing: "ease-out",
      });
  }
}

// ---- the box --------------------------------------------------------------------------------------------------------

const KINDS = { number: numberField, choice: choices, order: ordering };

function render({ model, el }) {
  const subscriptions = [];
  const on = (name, callback) => {
    model.on(`change:${name}`, callback);
    subscriptions.push([`change:${name}`, callback]);
  };
  const give = (given) => {
    if (given === model.get("given")) answer();
    model.set("given", given);
    model.save_changes();
  };
  const question = html("p", { class: "ask-question" });
  const verdict = html("p", { class: "ask-verdict" });
  const reply = html("div", { class: "ask-reply", "aria-live": "polite" }, verdict);
  const field = KINDS[model.get("kind")]({ model, give });
  const reveal = html("button", { type: "button", class: "ask-reveal" }, "Tell me");
  const box = html("div", { role: "group" }, question, field.node, html("div", { class: "ask-foot" }, reply, reveal));
  el.classList.add("rnnlib-figure");
  el.append(html("div", { class: "rf ask" }, box));

  const explain = () => {
    const { kind, answer: right, unit } = Object.fromEntries(["kind", "answer", "unit"].map((n) => [n, model.get(n)]));
    const shown = kind === "number" ? `${fixedAsGiven(right)}${unit ? ` ${unit}` : ""}` : right.replaceAll(" | ", ", ");
    return [`The answer: ${shown}. `, model.get("then")];
  };
  function answer() {
    const given = model.get("given");
    field.show(given);
    reveal.hidden = given === "";
    box.dataset.state = "open";
    if (given === "") return verdict.replaceChildren("Guess first; the measurement comes below.");
    const { right, hint } = judge(model, given);
    box.dataset.state = right ? "right" : "wrong";
    reveal.hidden = right;
    const word = html("strong", {}, right ? "Right. " : "Not so. ");
    const said = right ? model.get("then") : (hint ?? "Think again, or read on and see.");
    verdict.replaceChildren(word, ...rich(said));
  }
  reveal.addEventListener("click", () => {
    box.dataset.state = "told";
    reveal.hidden = true;
    verdict.replaceChildren(...explain().flatMap(rich));
  });
  const ask = () => {
    question.replaceChildren(
      html("span", { class: "ask-mark", "aria-hidden": "true" }, "?"),
      html("span", {}, ...rich(model.get("title"))),
    );
    box.setAttribute("aria-label", `Question: ${question.lastChild.textContent}`);
  };
  on("title", ask);
  on("given", answer);
  ask();
  answer();
  const end = stateLinks({ model, heading: null }, el);
  return () => {
    end();
    for (const [event, callback] of subscriptions) model.off(event, callback);
  };
}

const fixedAsGiven = (text) => (text.startsWith("-") ? `−${text.slice(1)}` : text);

export default { render };
