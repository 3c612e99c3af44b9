// The five shapes of input and output, step by step on real examples. See shapes.py.
import { View, html, svg } from "./view.js";

const SHAPES = [
  ["one-to-one", "one to one"],
  ["one-to-many", "one to many"],
  ["many-to-one", "many to one"],
  ["many-to-many, equal", "many to many, equal"],
  ["many-to-many, unequal", "many to many, unequal"],
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
  if (step === 0) return "Nothing is read yet: the hidden state is h₀, all zeros.";
  switch (model.get("shape")) {
    case "one-to-one":
      return "One input, one answer, no time: this is the feed-forward network, and its hidden state is used once.";
    case "one-to-many":
      if (step === 1)
        return `The picture goes in once, and the first of ${n} letters comes out. What the other letters will need must stay in h₁.`;
      return `Step ${step} of ${n}: no new picture, only the last letter comes back in. Which letter is next, h must know.`;
    case "many-to-one":
      if (step < n)
        return `${step} of ${n} days read, no answer yet: h must hold all that the answer will need of these days.`;
      return `All ${n} days are read, and the one answer is made from the last hidden state. No other state is asked.`;
    case "many-to-many, equal":
      return `Step ${step} of ${n}: one symbol in, one out, at once. The answer may use the ${step} symbols read so far, through h, and none of the ${n - step} to come.`;
    default:
      if (written === 0) return `The encoder has read ${read} symbols and writes nothing: h must hold the whole date.`;
      return `The decoder has written ${written} of ${n - read} symbols. It never saw the Chinese date: all it knows came through one state, the context c.`;
  }
}

// ---- the picture ----------------------------------------------------------------------------------------------------

function arrow(x1, y1, x2, y2, kind) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  const size = Math.min(6, length / 2);
  const [bx, by] = [x2 - dx * size, y2 - dy * size];
  const head = `M${x2},${y2} L${bx - dy * size * 0.6},${by + dx * size * 0.6} L${bx + dy * size * 0.6},${by - dx * size * 0.6} Z`;
  return [
    svg("path", { class: `sh-line ${kind}`, d: `M${x1},${y1} L${bx},${by}` }),
    svg("path", { class: `sh-head ${kind}`, d: head }),
  ];
}

// a box with text or a picture of 8 × 8 grey levels in it
function box(x, y, side, content, kind, size) {
  const frame = svg("rect", {
    class: `sh-box ${kind}`,
    x: x - side / 2,
    y: y - side / 2,
    width: side,
    height: side,
    rx: Math.min(8, side / 5),
  });
  if (content === null) return [frame];
  if (content.picture) {
    const dot = (side - 8) / 8;
    const grey = content.picture.map((level, k) =>
      svg("rect", {
        class: "sh-dot",
        x: x - 4 * dot + (k % 8) * dot,
        y: y - 4 * dot + Math.floor(k / 8) * dot,
        width: dot + 0.3,
        height: dot + 0.3,
        "fill-opacity": level / 16,
      }),
    );
    return [frame, ...grey];
  }
  const text = svg(
    "text",
    { class: kind, x, y: y + size * 0.36, "font-size": size, "text-anchor": "middle" },
    content["fed back"] ?? content,
  );
  return [frame, text];
}

function draw(root, width, model) {
  const { columns, step } = current(model);
  const n = columns.length;
  const gap = Math.min(76, (width - 4) / n);
  const side = Math.min(46, gap - (gap < 24 ? 3 : 12));
  const left = (width - gap * n) / 2 + gap / 2;
  const pictured = columns[0].input.picture !== undefined;
  const big = pictured ? 62 : side;
  const tall = side + 30;
  const rows = { output: side / 2 + 24, state: side * 1.5 + 54, input: side * 2 + 84 + big / 2 };
  const longest = Math.max(
    ...columns.flatMap(({ input, output }) =>
      [input, output].map((text) => (typeof text === "string" ? text.length : 1)),
    ),
  );
  const size = Math.min(18, side * 0.72, (side * 1.55) / longest);
  const height = rows.input + big / 2 + 26;
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("height", height);

  const parts = [];
  columns.forEach(({ input, output, part }, k) => {
    const x = left + k * gap;
    const done = k < step ? "done" : "later";
    const kind = `${done} ${part} ${k === step - 1 ? "now" : ""}`;
    if (k > 0) {
      const handover = part === "decoder" && columns[k - 1].part === "encoder";
      parts.push(
        ...arrow(x - gap + side / 2, rows.state, x - side / 2, rows.state, `${kind} ${handover ? "handover" : ""}`),
      );
      if (handover)
        parts.push(
          svg(
            "text",
            {
              class: `rf-math ${done}`,
              x: x - gap / 2,
              y: rows.state - side / 2 - 8,
              "font-size": 17,
              "text-anchor": "middle",
            },
            "c",
          ),
        );
    }
    if (input !== null) {
      const back = input["fed back"] !== undefined;
      const edge = k === 0 ? big : side;
      const y = rows.input - (big - edge) / 2;
      parts.push(...arrow(x, y - edge / 2, x, rows.state + side / 2, `${kind} ${back ? "back" : ""}`));
      parts.push(...box(x, y, edge, back && k >= step ? null : input, `input ${kind} ${back ? "back" : ""}`, size));
    }
    parts.push(...box(x, rows.state, side, null, `state ${kind}`, size));
    if (side > 24) parts.push(stateLabel(x, rows.state, k + 1, kind, Math.min(15, side * 0.4)));
    if (output !== null) {
      parts.push(...arrow(x, rows.state - side / 2, x, rows.output + side / 2, kind));
      parts.push(...box(x, rows.output, side, k < step ? output : null, `output ${kind}`, size));
    }
  });
  parts.push(...captions(columns, left, gap, rows, side, big));
  root.replaceChildren(...parts);
}

function stateLabel(x, y, t, kind, size) {
  const index = svg("tspan", { dy: 3, "font-size": size - 3 }, t);
  return svg(
    "text",
    { class: `rf-math ${kind}`, x, y: y + size * 0.3, "font-size": size, "text-anchor": "middle" },
    "h",
    index,
  );
}

// the names of the rows, and of encoder and decoder
function captions(columns, left, gap, rows, side, big) {
  const small = { class: "rf-soft", "font-size": 12.5 };
  const start = Math.max(0, left - gap / 2 + (gap - side) / 2);
  const bottom = rows.input + big / 2 + 20;
  const parts = [svg("text", { ...small, x: start, y: bottom }, columns[0].part ? "encoder: reads" : "input")];
  const writer = columns.findIndex(({ output }) => output !== null);
  const x = left + writer * gap - side / 2;
  parts.push(svg("text", { ...small, x, y: 14 }, columns[0].part ? "decoder: writes" : "answer"));
  return parts;
}

// ---- the figure -----------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const view = new View({ model, el }, "Five shapes of input and output");
  const watched = ["shape", "example", "step", "examples"];
  const about = html("p", { class: "sh-about" });
  const sizes = html("p", { class: "rf-note" });
  const another = view.button("Another example", () => view.set("example", (model.get("example") + 1) % 3));
  const stepper = view.stepper("step", {
    min: 0,
    max: () => current(model).columns.length,
    names: ["shape", "example"],
  });
  stepper.append(another);
  view.body.append(
    view.radios("shape", { label: "Shape", options: SHAPES }),
    about,
    view.picture("The network unrolled over the steps of the example", watched, (root, width) =>
      draw(root, width, model),
    ),
    sizes,
    stepper,
  );
  const update = () => {
    const { about: text, x, y } = current(model);
    about.textContent = text;
    sizes.textContent = `Shapes (time, batch, width): input ${x}, answer ${y}. The answers are the data’s, not a network’s.`;
    view.say(`Example ${model.get("example") + 1} of 3. ${tell(model)}`);
  };
  view.on(watched, update);
  update();
  return () => view.dispose();
}

export default { render };
