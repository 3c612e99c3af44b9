// The five shapes of input and output, step by step on real examples. See shapes.py.

import { arrow, label } from "./chart.js";
import { clamp, html, svg } from "./elements.js";
import { mark } from "./stage.js";
import { View } from "./view.js";

const SHAPES = [
  ["one-to-one", "one to one", { read: [0], write: [0], steps: 1 }],
  ["one-to-many", "one to many", { read: [0], write: [0, 1, 2], steps: 3 }],
  ["many-to-one", "many to one", { read: [0, 1, 2], write: [2], steps: 3 }],
  ["many-to-many, equal", "equal lengths", { read: [0, 1, 2], write: [0, 1, 2], steps: 3 }],
  ["many-to-many, unequal", "unequal lengths", { read: [0, 1], write: [2, 3, 4], steps: 5 }],
];

function current(model) {
  const { about, x, y, columns } = model.get("examples")[model.get("shape")][model.get("example")];
  return { about, x, y, columns, step: Math.min(model.get("step"), columns.length) };
}

// What the hidden state is for at this step: the sentence under the picture.
function tell(model) {
  const { columns, step } = current(model);
  const n = columns.length;
  const read = columns.slice(0, step).filter((column) => column.part !== "decoder").length;
  const written = columns.slice(0, step).filter((column) => column.output !== null).length;
  if (step === 0) return "Nothing is read yet: the hidden state is h₀, all zeros. Drag the marker, or press play.";
  switch (model.get("shape")) {
    case "one-to-one":
      return "One input, one answer, no time: this is the feed-forward network, and its hidden state is used once.";
    case "one-to-many":
      if (step === 1)
        return `The picture goes in once, and the first of ${n} letters comes out. What the others will need must stay in h₁.`;
      return `Step ${step} of ${n}: no new picture, only the last letter comes back in. Which letter is next, h must know.`;
    case "many-to-one":
      if (step < n)
        return `${step} of ${n} days read, no answer yet: h must hold all that the answer will need of them.`;
      return `All ${n} days are read, and the one answer is made from the last hidden state. No other state is asked.`;
    case "many-to-many, equal":
      return `Step ${step} of ${n}: one symbol in, one out. The answer may use the ${step} read so far, through h, and none of the ${n - step} to come.`;
    default:
      if (written === 0) return `The encoder has read ${read} symbols and writes nothing: h must hold the whole date.`;
      return `The decoder has written ${written} of ${n - read} symbols. It never saw the Chinese date: all it knows came through one state, c.`;
  }
}

// a shape as a small drawing: inputs below, states, outputs above
function thumbnail({ read, write, steps }) {
  const gap = 11;
  const x = (k) => (66 - (steps - 1) * gap) / 2 + k * gap;
  const box = (kind, k, y) =>
    svg("rect", { class: `sh-box ${kind}`, x: x(k) - 4, y: y - 4, width: 8, height: 8, rx: 2 });
  const link = (x1, y1, x2, y2) => svg("line", { class: "sh-link", x1, y1, x2, y2 });
  const parts = [];
  for (let k = 0; k < steps; k++) {
    if (k) parts.push(link(x(k - 1) + 4, 21, x(k) - 4, 21));
    if (read.includes(k)) parts.push(link(x(k), 31, x(k), 25), box("input", k, 35));
    if (write.includes(k)) parts.push(link(x(k), 17, x(k), 11), box("output", k, 7));
    parts.push(box("state", k, 21));
  }
  return svg("svg", { viewBox: "0 0 66 42", class: "sh-thumb", "aria-hidden": "true" }, parts);
}

// ---- the picture ----------------------------------------------------------------------------------------------------

const HEIGHT = { wide: 262, narrow: 246 };

function layout(width, columns) {
  const wide = width > 560;
  const n = columns.length;
  const gap = Math.min(84, (width - 6) / n);
  const side = Math.min(wide ? 48 : 40, gap - (gap < 24 ? 2 : 12));
  const left = (width - gap * n) / 2 + gap / 2;
  const big = columns[0].input.picture ? (wide ? 62 : 56) : side;
  const texts = columns.flatMap(({ input, output }) => [input, output].filter((text) => typeof text === "string"));
  const longest = Math.max(1, ...texts.map((text) => text.length));
  const height = wide ? HEIGHT.wide : HEIGHT.narrow;
  return {
    wide,
    gap,
    side,
    big,
    height,
    size: Math.max(wide ? 12 : 11, Math.min(19, side * 0.8, (side * 1.55) / longest)),
    x: (k) => left + k * gap,
    output: 44,
    state: wide ? 116 : 110,
    input: (wide ? 194 : 184) - 4,
    track: height - 14,
  };
}

const frame = (key, x, y, side, kind) =>
  mark("rect", key, {
    class: `sh-box ${kind}`,
    x: x - side / 2,
    y: y - side / 2,
    width: side,
    height: side,
    rx: Math.min(8, side / 5),
  });

const letter = (key, x, y, text, size, kind, extra = {}) =>
  mark(
    "text",
    key,
    { class: `on ${kind}`, x, y: y + size * 0.36, "font-size": size, "text-anchor": "middle", ...extra },
    text,
  );

function picture(key, x, y, side, levels, opacity) {
  const dot = (side - 8) / 8;
  return levels.map((level, k) =>
    mark("rect", `${key}${k}`, {
      class: "sh-dot",
      x: x - 4 * dot + (k % 8) * dot,
      y: y - 4 * dot + Math.floor(k / 8) * dot,
      width: dot + 0.3,
      height: dot + 0.3,
      "fill-opacity": (level / 16) * opacity,
    }),
  );
}

function describe(width, model) {
  const { columns, step } = current(model);
  const place = layout(width, columns);
  const { side, big, size, x } = place;
  const marks = [];
  columns.forEach(({ input, output, part }, k) => {
    const time = k < step - 1 ? "done" : k === step - 1 ? "now" : "later";
    const at = x(k);
    if (k > 0) {
      const handover = part === "decoder" && columns[k - 1].part === "encoder";
      const style = {
        class: `sh-arrow ${k < step ? "done" : "later"} ${handover ? "handover" : ""}`,
        gap: side / 2,
        head: Math.min(8, (place.gap - side) * 0.8),
      };
      marks.push(arrow(`a${k}`, [x(k - 1), place.state], [at, place.state], style));
      if (handover) {
        const style = { class: "rf-math sh-c", "font-size": 18, "text-anchor": "middle" };
        marks.push(label("c", at - place.gap / 2, place.state - side / 2 - 8, "c", style));
      }
    }
    if (input !== null) {
      const back = input["fed back"];
      const edge = input.picture ? big : side;
      marks.push(
        arrow(`i${k}`, [at, place.input - edge / 2 + (input.picture ? 6 : 0)], [at, place.state + side / 2], {
          class: `sh-arrow ${time} ${back ? "back" : ""}`,
          gap: 1,
          head: 7,
        }),
      );
      const y = input.picture ? place.input + 6 : place.input;
      marks.push(frame(`ib${k}`, at, y, edge, `input ${time} ${back ? "back" : ""}`));
      if (input.picture) marks.push(...picture("dot", at, y, edge, input.picture, k < step ? 0.75 : 1));
      else if (!back || k < step)
        marks.push(letter(`il${k}`, at, y, back ?? input, size, `${time} ${back ? "back" : ""}`));
    }
    marks.push(frame(`s${k}`, at, place.state, side, `state ${time}`));
    if (output !== null) {
      marks.push(
        arrow(`o${k}`, [at, place.state - side / 2], [at, place.output + side / 2], {
          class: `sh-arrow ${time}`,
          gap: 1,
          head: 7,
        }),
      );
      marks.push(frame(`ob${k}`, at, place.output, side, `output ${time}`));
    }
  });
  marks.push(...tokens(place, columns, step), ...names(place, columns, step, width));
  return { place, marks };
}

// what travels: the letter that is read, the state that is handed on, the answer
function tokens(place, columns, step) {
  const { x, state, side, size, input, output } = place;
  const marks = [];
  columns.forEach((column, k) => {
    if (column.output !== null && k < step)
      marks.push(
        letter(`out${k}`, x(k), output, column.output, size, "output", {
          from: { y: state + size * 0.36, opacity: 0 },
          opacity: 1,
          delay: 0.4,
        }),
      );
    if (k === step - 1 && column.input !== null)
      marks.push(
        mark("circle", `tok${k}`, {
          class: "sh-token input",
          cx: x(k),
          cy: state,
          r: 5,
          opacity: 0,
          from: { cy: input, opacity: 1 },
        }),
      );
  });
  const at = Math.max(0, step - 1);
  const radius = Math.max(4, side * 0.19);
  const still = step === 0 ? { cx: x(0) - place.gap * 0.62, opacity: 0.25 } : { cx: x(at), opacity: 1 };
  marks.push(mark("circle", "memory", { class: "sh-token state", cy: state, r: radius, ...still }));
  return marks;
}

function names(place, columns, step, width) {
  const { x, side, big, state } = place;
  const left = (k) => Math.max(0, x(k) - side / 2);
  const unequal = columns[0].part;
  const writer = columns.findIndex(({ output }) => output !== null);
  const style = { "font-size": 13 };
  const marks = [
    label("write", Math.min(left(writer), width - 96), 13, unequal ? "decoder: writes" : "answer", {
      ...style,
      class: "sh-name output",
    }),
    label(
      "read",
      left(0),
      place.input + (columns[0].input.picture ? big / 2 + 6 : side / 2) + 17,
      unequal ? "encoder: reads" : "input",
      { ...style, class: "sh-name input" },
    ),
  ];
  if (step > 0) {
    const index = String(step).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d]);
    const where = Math.min(width - 12, x(step - 1) + (side > 30 ? 0 : 0));
    marks.push(
      label("h", where, state - side / 2 - 7, `h${index}`, {
        class: "rf-math sh-h",
        "font-size": 16,
        "text-anchor": "middle",
      }),
    );
  }
  return marks;
}

// ---- the figure -----------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("sh");
  const steps = () => current(model).columns.length;
  let place = layout(900, current(model).columns);
  const stage = view.stage("The network unrolled over the steps of the example", (width) => {
    const described = describe(width, model);
    place = described.place;
    const { step } = current(model);
    const [from, to] = [place.x(0) - place.gap / 2, place.x(steps() - 1)];
    const at = step === 0 ? from : place.x(step - 1);
    const field = { class: "rf-field", x: 0, y: 20, width, height: place.height - 20 };
    return {
      height: place.height,
      marks: [
        ...described.marks,
        mark("line", "track", { class: "sh-track", x1: from, x2: to, y1: place.track, y2: place.track }),
        mark("line", "passed", { class: "sh-passed", x1: from, x2: at, y1: place.track, y2: place.track }),
        { key: "field", node: field0, attributes: field },
        { key: "marker", node: marker, attributes: { transform: `translate(${at},${place.track})` } },
      ],
    };
  });
  const stepAt = (x) => clamp(Math.round((x - place.x(0)) / place.gap) + 1, 0, steps());
  const go = (step) => {
    if (step !== current(model).step) view.set("step", step);
  };
  const field0 = svg("rect");
  const focus = () => marker.focus({ preventScroll: true });
  view.drag(stage, field0, (x) => go(stepAt(x)), { focus });
  const marker = view.handle(stage, {
    label: "Step of the network",
    twin: false,
    names: ["step", "shape", "example"],
    min: 0,
    max: steps,
    get: () => current(model).step,
    set: go,
    text: (step) => `${step} of ${steps()}`,
    at: (x) => stepAt(x),
  });
  const about = html("p", { class: "sh-about" });
  const options = SHAPES.map(([value, name, drawing]) => [
    value,
    html("span", { class: "sh-choice" }, thumbnail(drawing), html("span", {}, name)),
  ]);
  const another = view.button("Another example", () => view.set("example", (model.get("example") + 1) % 3));
  const player = view.player("step", { min: 0, max: steps, names: ["shape", "example"], every: 800 });
  view.body.append(
    view.radios("shape", { label: "Shape", options, hidden: true }),
    about,
    stage.box,
    view.row(player, another),
  );
  view.on(["shape"], () => view.stop());
  view.follow(["shape", "example", "step"], () => {
    const { about: text, x, y } = current(model);
    about.textContent = `${text} Input ${x}, answer ${y}.`.replaceAll(", 1", ",\u00a01");
    stage.show();
    view.say(tell(model));
  });
  return () => view.dispose();
}

export default { render };
