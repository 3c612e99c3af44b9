// The window of truncated back-propagation: bias, memory, what is learnt. See truncation_window.py.
import { View, fixed, html, svg } from "./view.js";

const CHANCE = 0.25; // of copying one of four letters

function read(model) {
  const measured = model.get("measured");
  const [k, window, delay] = ["k", "window", "delay"].map((name) => model.get(name));
  const n = measured.ks.indexOf(k);
  return {
    measured,
    k,
    window,
    delay,
    n,
    cosine: measured.cosine[window][n],
    length: measured.length[window][n],
    error: measured.error[window][n],
    bytes: measured.memory[n],
    copied: measured.copied[measured.delays.indexOf(delay)][n],
  };
}

// from which step back the error of the loss at step t arrives (steps count from 0)
const reach = (t, k, window) => (window === "chunks" ? Math.floor(t / k) * k : Math.max(0, t + 1 - k));

const text = (x, y, content, options = {}) =>
  svg("text", { x, y, "font-size": 12.5, class: "rf-soft", ...options }, content);

// ---- the steps: who hears whom --------------------------------------------------------------------------------------

// A row of steps. Each step's loss is a dot, green if its error reaches the letter that it should have copied.
function drawSteps(root, width, model) {
  const { k, window, delay } = read(model);
  const steps = width < 460 ? 20 : 26;
  const gap = (width - 2) / steps;
  const [dots, cells, bracket] = [14, 32, 72];
  const side = Math.min(20, gap - 3);
  const x = (t) => 1 + (t + 0.5) * gap;
  root.setAttribute("viewBox", `0 0 ${width} 116`);
  root.setAttribute("height", 116);
  const parts = [];
  for (let t = 0; t < steps; t++) {
    const from = reach(t, k, window);
    const hears = t - delay >= from;
    const exists = t >= delay;
    const kind = !exists ? "none" : hears ? "yes" : "no";
    parts.push(svg("circle", { class: `tw-dot ${kind}`, cx: x(t), cy: dots, r: Math.min(5.5, gap * 0.36) }));
    if (kind === "no")
      parts.push(svg("path", { class: "tw-cross", d: `M${x(t) - 2.2},${dots - 2.2} l4.4,4.4 m0,-4.4 l-4.4,4.4` }));
    const start = window === "chunks" && t % k === 0 && t > 0;
    if (start)
      parts.push(
        svg("line", { class: "tw-cut", x1: x(t) - gap / 2, x2: x(t) - gap / 2, y1: dots - 12, y2: cells + side + 10 }),
      );
    parts.push(svg("rect", { class: "tw-cell", x: x(t) - side / 2, y: cells, width: side, height: side, rx: 4 }));
  }
  const last = window === "chunks" && k < steps ? Math.floor(steps / k) * k - 1 : steps - 1;
  parts.push(...span(last, { k, window, delay }, x, gap, side, cells, bracket));
  root.replaceChildren(...parts);
}

// the reach of one loss, and the letter that it should have copied
function span(t, { k, window, delay }, x, gap, side, cells, bracket) {
  const from = reach(t, k, window);
  const source = t - delay;
  const hears = source >= from;
  const [left, right] = [x(from) - gap / 2 + 2, x(t) + gap / 2 - 2];
  const outline = { y: cells, width: side, height: side, rx: 4 };
  const distance = hears ? "within reach" : "out of reach";
  const edge = x(t) + gap / 2;
  return [
    svg("path", { class: "tw-span", d: `M${left},${bracket - 10} v10 H${right} v-10` }),
    svg("rect", { class: `tw-source ${hears ? "yes" : "no"}`, x: x(source) - side / 2, ...outline }),
    svg("rect", { class: "tw-loss", x: x(t) - side / 2, ...outline }),
    svg("path", {
      class: `tw-arc ${hears ? "yes" : "no"}`,
      d: `M${x(t)},${cells + side} C${x(t)},${bracket + 26} ${x(source)},${bracket + 26} ${x(source)},${cells + side}`,
    }),
    text(edge, bracket + 40, `the letter is ${delay} back: ${distance}`, { "text-anchor": "end", class: "tw-verdict" }),
  ];
}

// ---- the two gradients as arrows ------------------------------------------------------------------------------------

function drawArrows(root, width, model) {
  const { measured, cosine, length } = read(model);
  const full = Math.min(width - 8, 260);
  const rises = ["chunks", "sliding"].flatMap((kind) =>
    measured.cosine[kind].map((value, n) => Math.sqrt(Math.max(0, 1 - value ** 2)) * measured.length[kind][n]),
  );
  const [x0, y0] = [4, full * Math.max(...rises) + 26]; // room for every arrow
  root.setAttribute("viewBox", `0 0 ${width} ${y0 + 30}`);
  root.setAttribute("height", y0 + 30);
  const angle = Math.acos(Math.min(1, cosine));
  const [x, y] = [x0 + Math.cos(angle) * length * full, y0 - Math.sin(angle) * length * full];
  const bow = Math.min(0.3, length * 0.8) * full;
  const far = x > x0 + full / 2;
  const beside = angle < 0.5 ? y0 - Math.tan(angle) * (bow + 30) - 10 : y0; // a flat angle has its name above the arrow
  const turned = [x0 + Math.cos(angle) * bow, y0 - Math.sin(angle) * bow];
  root.replaceChildren(
    svg("path", {
      class: "tw-angle",
      d: `M${x0 + bow},${y0} A${bow},${bow} 0 0 0 ${turned[0]},${turned[1]} L${x0},${y0} Z`,
    }),
    ...arrow(x0, y0, x0 + full, y0, "full"),
    ...arrow(x0, y0, x, y, "cut"),
    text(x0 + full, y0 + 20, "full gradient", { "text-anchor": "end" }),
    text(far ? x - 6 : x0, Math.min(y0 - 14, y - 8), "truncated", {
      class: "tw-cutname",
      "text-anchor": far ? "end" : "start",
    }),
    text(x0 + bow + 8, Math.min(y0 - 8, beside), `${Math.round((angle * 180) / Math.PI)}°`, {
      "font-size": 15,
      class: "tw-degrees",
    }),
  );
}

function arrow(x1, y1, x2, y2, kind) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  const head = Math.min(11, length);
  const [bx, by] = [x2 - dx * head, y2 - dy * head];
  const wings = `M${x2},${y2} L${bx - dy * head * 0.5},${by + dx * head * 0.5} L${bx + dy * head * 0.5},${by - dx * head * 0.5} Z`;
  return [
    svg("line", { class: `tw-arrow ${kind}`, x1, y1, x2: bx, y2: by }),
    svg("path", { class: `tw-head ${kind}`, d: wings }),
  ];
}

// ---- what has been learnt -------------------------------------------------------------------------------------------

function drawLearnt(root, width, model) {
  const { measured, n, delay } = read(model);
  const { delays, copied } = measured;
  const ks = measured.ks.slice(0, copied[0].length); // longer windows were not trained
  const [left, top] = [26, 22];
  const gap = (width - left) / ks.length;
  const row = Math.min(34, Math.max(26, gap));
  const height = top + row * delays.length + 40;
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("height", height);
  const parts = [text(0, 12, "delay")];
  delays.forEach((d, r) => {
    const y = top + r * row;
    parts.push(
      text(left - 10, y + row / 2 + 4, d, { "text-anchor": "end", class: d === delay ? "tw-axis now" : "tw-axis" }),
    );
    ks.forEach((k, c) => {
      const share = Math.max(0, (copied[r][c] - CHANCE) / (1 - CHANCE));
      const cell = svg("rect", {
        class: "tw-heat",
        x: left + c * gap + 1,
        y: y + 1,
        width: gap - 2,
        height: row - 2,
        rx: 4,
      });
      cell.style.fill = `color-mix(in oklab, var(--rf-third) ${Math.round(share * 50)}%, var(--rf-raised))`;
      parts.push(cell);
      const percent = Math.round(100 * copied[r][c]);
      if (gap > 27)
        parts.push(
          text(left + (c + 0.5) * gap, y + row / 2 + 4, percent, {
            "text-anchor": "middle",
            class: "tw-percent",
            "font-size": 11,
          }),
        );
    });
  });
  const bottom = top + row * delays.length;
  ks.forEach((k, c) =>
    parts.push(
      text(left + (c + 0.5) * gap, bottom + 16, k, {
        "text-anchor": "middle",
        "font-size": 11.5,
        class: c === n ? "tw-axis now" : "tw-axis",
      }),
    ),
  );
  parts.push(text(width, bottom + 34, "window k", { "text-anchor": "end" }));
  const frame = (kind, where) => svg("rect", { class: kind, x: left + n * gap, width: gap, rx: 5, ...where });
  if (n < ks.length) {
    parts.push(frame("tw-choice", { y: top, height: row * delays.length }));
    parts.push(frame("tw-chosen", { y: top + delays.indexOf(delay) * row, height: row }));
  }
  root.replaceChildren(...parts);
}

// ---- the figure -----------------------------------------------------------------------------------------------------

// three numbers: angle and length are in the picture already
function numbers(view, watched) {
  const rows = ["relative error", "relative length", "memory"].map((name) => {
    const value = html("dd", { class: "rf-number" });
    return { value, row: html("div", {}, html("dt", {}, name), value) };
  });
  const show = () => {
    const { error, length, bytes } = read(view.model);
    rows[0].value.textContent = `${fixed(100 * error, 0)} %`;
    rows[1].value.textContent = `${fixed(100 * length, 0)} %`;
    rows[2].value.textContent = `${fixed(bytes / 1e6, 1)} MB`;
  };
  view.on(watched, show);
  show();
  return html(
    "dl",
    { class: "tw-numbers" },
    rows.map(({ row }) => row),
  );
}

function summarise(model) {
  const { k, window, delay, cosine, error, bytes, copied, measured } = read(model);
  const angle = Math.round((Math.acos(Math.min(1, cosine)) * 180) / Math.PI);
  const whole =
    k >= measured.T
      ? "the window holds the whole text, so nothing is cut"
      : `the gradient is ${angle}° off and its error is ${Math.round(100 * error)} %`;
  const text = `Window ${k}, ${window}: ${whole}; a training step takes ${fixed(bytes / 1e6, 1)} MB.`;
  if (copied === undefined) return `${text} Training on the delayed copy was not measured with this window.`;
  const verdict = copied > 0.9 ? "is learnt" : copied < 0.5 ? "is not learnt" : "is learnt in part";
  return `${text} A copy over ${delay} steps ${verdict}: ${Math.round(100 * copied)} % right, where chance is 25 %.`;
}

function render({ model, el }) {
  const view = new View({ model, el }, "How far back must an error flow?");
  const { ks, delays, T, B } = model.get("measured");
  const watched = ["k", "window", "delay", "measured"];
  const heading = (content) => html("p", { class: "rf-heading" }, content);
  const windows = [
    ["chunks", "chunks of k"],
    ["sliding", "sliding window"],
  ];
  view.body.append(
    html(
      "div",
      { class: "rf-row" },
      view.range("k", { label: "Window k", values: ks }),
      view.range("delay", { label: "Delay", values: delays }),
    ),
    view.radios("window", { label: "Kind of window", options: windows }),
    html(
      "div",
      {},
      heading("Does the error of each step’s loss reach the letter to copy?"),
      view.picture("Steps in time: which losses reach the letter that they should copy", watched, (root, width) =>
        drawSteps(root, width, model),
      ),
    ),
    html(
      "div",
      { class: "rf-columns tw-columns" },
      html(
        "div",
        {},
        heading("The gradient for W_hh, on text"),
        view.picture("The truncated gradient beside the full one", watched, (root, width) =>
          drawArrows(root, width, model),
        ),
        numbers(view, watched),
      ),
      html(
        "div",
        {},
        heading("Letters copied rightly after training, %"),
        view.picture("Share of letters copied rightly, by delay and window", watched, (root, width) =>
          drawLearnt(root, width, model),
        ),
      ),
    ),
    html(
      "p",
      { class: "rf-note" },
      `Measured with rnnlib: the gradient of chapter 3’s character model over ${T} steps of ${B} held-out texts; memory of one step of training it on them; 24-unit RNNs trained on the delayed copy with chunks of k.`,
    ),
  );
  const tell = () => view.say(summarise(model));
  view.on(watched, tell);
  tell();
  return () => view.dispose();
}

export default { render };
