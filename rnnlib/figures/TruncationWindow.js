// The window of truncated backpropagation: bias, memory, what is learned. See truncation_window.py.

import { label } from "./chart.js";
import { random } from "./cells.js";
import { clamp, nearest, svg } from "./elements.js";
import { degrees, gradients, learned } from "./measured.js";
import { mark, stillness } from "./stage.js";
import { View } from "./view.js";

const PACE = 45; // milliseconds per step of the error's way back

function read(model) {
  const measured = model.get("measured");
  const [k, window, delay] = ["k", "window", "delay"].map((name) => model.get(name));
  const n = measured.ks.indexOf(k);
  const row = measured.delays.indexOf(delay);
  return {
    measured,
    k,
    window,
    delay,
    n,
    row,
    cosine: measured.cosine[window][n],
    length: measured.length[window][n],
    error: measured.error[window][n],
    bytes: measured.memory[n],
    copied: window === "chunks" ? measured.copied[row][n] : undefined, // only chunks were trained
  };
}

// ---- where everything stands ----------------------------------------------------------------------------------------

function layout(width, { ks, delays, copied }) {
  const wide = width > 560;
  const steps = wide ? 28 : 18;
  const gap = (width - (wide ? 30 : 14)) / steps;
  const cell = Math.min(wide ? 25 : 15, gap - 2);
  const [dots, cells] = wide ? [42, 74] : [38, 62];
  const below = cells + cell / 2 + (wide ? 78 : 66);
  const columns = copied[0].length;
  const table = { left: 30, top: below + 22, row: wide ? 23 : 20, width: wide ? width * 0.5 : width };
  table.gap = (table.width - table.left) / columns;
  table.bottom = table.top + delays.length * table.row;
  const arrows = wide
    ? { left: width * 0.58, top: below + 22, full: width * 0.265, base: table.bottom - 10 }
    : { left: 0, top: table.bottom + 54, full: width * 0.58, base: table.bottom + 132 };
  return {
    wide,
    width,
    steps,
    gap,
    cell,
    dots,
    cells,
    below,
    table,
    arrows,
    ks: ks.slice(0, columns),
    delays,
    last: steps - 1,
    x: (t) => (wide ? 26 : 12) + (t + 0.5) * gap,
    height: wide ? table.bottom + 40 : arrows.base + 24,
  };
}

// the first step that the error of the loss at step t reaches; chunks end at the last step in sight
const reach = (t, { k, window }, last) => (window === "chunks" ? t - ((((t + k - 1 - last) % k) + k) % k) : t + 1 - k);

// ---- the time line --------------------------------------------------------------------------------------------------

// letters of the delayed copy; the last loss looks for the letter that stood `delay` steps before it
function timeline(place, state) {
  const { wide, steps, gap, cell, dots, cells, x, last } = place;
  const { delay, k, window } = state;
  const draw = random(7);
  const alphabet = Array.from({ length: steps }, () => "abcd"[Math.floor(draw() * 4)]);
  const from = reach(last, state, last);
  const hears = last - delay >= from;
  const marks = [
    label(
      "tl",
      0,
      13,
      wide
        ? "each step’s loss: does its error reach the letter that should be copied there?"
        : "does each loss’s error reach its letter?",
    ),
  ];
  for (let t = 0; t < steps; t++) {
    const near = t - delay >= reach(t, state, last);
    const kind = t < delay ? "none" : near ? "yes" : "no";
    marks.push(mark("circle", `dot${t}`, { class: `tw-dot ${kind}`, cx: x(t), cy: dots, r: t === last ? 7 : 5 }));
    if (kind === "no")
      marks.push(mark("path", `cross${t}`, { class: "tw-cross", d: `M${x(t) - 2},${dots - 2} l4,4 m0,-4 l-4,4` }));
    const inside = t >= from;
    const role = t === last - delay ? `source ${hears ? "yes" : "no"}` : t === last ? "loss" : "";
    marks.push(
      mark("rect", `cell${t}`, {
        class: `tw-cell ${inside ? "inside" : ""} ${role}`,
        x: x(t) - cell / 2,
        y: cells - cell / 2,
        width: cell,
        height: cell,
        rx: 4,
      }),
    );
    marks.push(
      mark(
        "text",
        `let${t}`,
        {
          class: `on tw-letter ${inside ? "inside" : ""}`,
          x: x(t),
          y: cells + 4.5,
          "font-size": wide ? 14 : 12,
          "text-anchor": "middle",
        },
        alphabet[t],
      ),
    );
  }
  if (window === "chunks")
    for (let m = 1; last + 1 - m * k > 0; m++) {
      const at = x(last + 1 - m * k) - gap / 2;
      marks.push(mark("line", `cut${m}`, { class: "tw-cut", x1: at, x2: at, y1: dots - 12, y2: cells + cell / 2 + 6 }));
    }
  const edge = edgeAt(place, state);
  const bottom = cells + cell / 2 + 12;
  const right = x(last) + gap / 2 - 2;
  marks.push(mark("path", "span", { class: "tw-span", d: `M${edge},${bottom} V${bottom + 6} H${right} V${bottom}` }));
  const reachText = from < 0 ? `window k = ${k}, wider than the picture` : `window k = ${k}`;
  const source = x(last - delay);
  const sag = bottom + (wide ? 30 : 22);
  const start = cells + cell / 2;
  marks.push(
    mark("path", "arc", {
      class: `tw-arc ${hears ? "yes" : "no"}`,
      d: `M${x(last)},${start} C${x(last)},${sag} ${source},${sag} ${source},${start}`,
    }),
  );
  marks.push(
    label("spann", right, bottom + (wide ? 40 : 30), reachText, {
      "text-anchor": "end",
      class: "tw-k",
      "font-size": 13,
    }),
  );
  const verdict = hears ? "the error arrives" : "the error is cut off";
  const texts = { class: `tw-verdict ${hears ? "yes" : "no"}`, "font-size": wide ? 14 : 12.5 };
  marks.push(
    label(
      "verdict",
      0,
      bottom + (wide ? 40 : 47),
      wide ? `the letter stood ${delay} steps back: ${verdict}` : `letter ${delay} back: ${verdict}`,
      texts,
    ),
  );
  return marks;
}

const edgeAt = (place, state) =>
  Math.max(place.wide ? 8 : 6, place.x(reach(place.last, state, place.last)) - place.gap / 2);

// ---- the figure -----------------------------------------------------------------------------------------------------

function summarise(state) {
  const { k, window, delay, cosine, error, copied, measured } = state;
  const whole =
    k >= measured.T
      ? "nothing is cut off"
      : `the gradient is ${degrees(cosine)}° off, its error ${Math.round(100 * error)} %`;
  const text = `Window ${k}, ${window}: ${whole}.`;
  if (window === "sliding") return `${text} Training on the delayed copy was measured with chunks only.`;
  if (copied === undefined) return `${text} Training on the delayed copy was not measured with this window.`;
  const verdict = copied > 0.9 ? "is learned" : copied < 0.5 ? "is not learned" : "is learned in part";
  return `${text} A copy over ${delay} steps ${verdict}: ${Math.round(100 * copied)} % right, chance is 25 %.`;
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("tw");
  const { ks, delays } = model.get("measured");
  let place = layout(900, model.get("measured"));
  const stage = view.stage("Which losses reach the letter that they should copy, and what was measured", (width) => {
    place = layout(width, model.get("measured"));
    const state = read(model);
    const { table } = place;
    const column = Math.min(state.n, place.ks.length - 1);
    const tableAt = [table.left + (column + 0.5) * table.gap, table.top + (state.row + 0.5) * table.row];
    const gone = state.n >= place.ks.length || state.window === "sliding";
    const bottom = place.cells + place.cell / 2 + 15;
    return {
      height: place.height,
      marks: [
        {
          key: "tfield",
          node: timeField,
          attributes: { class: "rf-field", x: 0, y: 20, width, height: place.below - 20 },
        },
        ...timeline(place, state),
        ...learned(place, state),
        ...gradients(place, state),
        { key: "pulse", node: pulse, attributes: {} },
        {
          key: "hfield",
          node: heatField,
          attributes: {
            class: "rf-field",
            x: table.left,
            y: table.top,
            width: table.width - table.left,
            height: table.bottom - table.top,
          },
        },
        {
          key: "cellbox",
          node: cellbox,
          attributes: { transform: `translate(${tableAt})`, class: `rf-handle ${gone ? "gone" : ""}` },
        },
        {
          key: "letter",
          node: letter,
          attributes: { transform: `translate(${place.x(place.last - state.delay)},${place.cells})` },
        },
        { key: "edge", node: edge, attributes: { transform: `translate(${edgeAt(place, state)},${bottom})` } },
      ],
    };
  });
  const put = (name, value) => value !== model.get(name) && view.set(name, value);

  // drag the window's edge, or the letter
  const kAt = (x) => ks[nearest(ks, Math.round(place.last + 1 - (x - place.x(0) + place.gap / 2) / place.gap))];
  const index = (list, name) => list.indexOf(model.get(name));
  const edge = view.handle(stage, {
    label: "Window k: the edge where the error is cut off",
    twin: false,
    names: ["k"],
    min: 0,
    max: ks.length - 1,
    get: () => index(ks, "k"),
    set: (n) => put("k", ks[n]),
    text: (n) => `k = ${ks[n]}`,
    keys: {
      ArrowLeft: () => put("k", ks[Math.min(ks.length - 1, index(ks, "k") + 1)]),
      ArrowRight: () => put("k", ks[Math.max(0, index(ks, "k") - 1)]),
    },
    shape: [
      svg("line", { class: "tw-edge", y1: -66, y2: 6 }),
      svg("circle", { class: "rf-knob", r: 9 }),
      svg("path", { class: "tw-grip", d: "M-2,-3.5 L-5.5,0 L-2,3.5 M2,-3.5 L5.5,0 L2,3.5" }),
    ],
  });
  const focusEdge = { focus: () => edge.focus({ preventScroll: true }) };
  view.drag(stage, edge, (x) => put("k", kAt(x)), focusEdge);
  const timeField = svg("rect");
  view.drag(stage, timeField, (x) => put("k", kAt(x)), focusEdge);
  const delayAt = (x) => delays[nearest(delays, place.last - Math.round((x - place.x(0)) / place.gap))];
  const letter = view.handle(stage, {
    label: "Delay: how far back the letter stood",
    twin: false,
    names: ["delay"],
    min: 0,
    max: delays.length - 1,
    get: () => index(delays, "delay"),
    set: (n) => put("delay", delays[n]),
    text: (n) => `${delays[n]} steps`,
    keys: {
      ArrowLeft: () => put("delay", delays[Math.min(delays.length - 1, index(delays, "delay") + 1)]),
      ArrowRight: () => put("delay", delays[Math.max(0, index(delays, "delay") - 1)]),
    },
    shape: svg("rect", { class: "tw-source-ring", x: -14, y: -14, width: 28, height: 28, rx: 6 }),
  });
  view.drag(stage, letter, (x) => put("delay", delayAt(x)), { focus: () => letter.focus({ preventScroll: true }) });

  // click a cell of the table
  const choose = (x, y) => {
    const { left, top, gap, row } = place.table;
    put("delay", delays[clamp(Math.floor((y - top) / row), 0, delays.length - 1)]);
    put("k", ks[clamp(Math.floor((x - left) / gap), 0, place.ks.length - 1)]);
  };
  const heatField = svg("rect");
  view.drag(stage, heatField, choose, { focus: () => cellbox.focus({ preventScroll: true }) });
  const move = (list, name, by) => () => put(name, list[clamp(index(list, name) + by, 0, list.length - 1)]);
  const cellbox = view.handle(stage, {
    label: "Cell of the table: left and right the window, up and down the delay",
    twin: false,
    names: ["k", "delay", "window"],
    min: 0,
    max: ks.length - 1,
    get: () => index(ks, "k"),
    set: (n) => put("k", ks[n]),
    text: () => summarise(read(model)),
    keys: { ArrowUp: move(delays, "delay", -1), ArrowDown: move(delays, "delay", 1) },
    shape: svg("rect", { class: "tw-choice", x: -17, y: -11, width: 34, height: 22, rx: 5 }),
  });
  cellbox.style.pointerEvents = "none";

  // the error runs back from the last loss as far as the cut
  const pulse = svg("circle", { class: "tw-pulse", r: 6, visibility: "hidden" });
  function* run() {
    const state = read(model);
    const begin = performance.now();
    const stop = Math.max(-0.5, reach(place.last, state, place.last) - 0.2);
    pulse.setAttribute("visibility", "visible");
    pulse.setAttribute("cy", place.cells - place.cell / 2 - 7);
    for (;;) {
      const t = place.last - (performance.now() - begin) / PACE;
      if (t <= stop) break;
      pulse.setAttribute("cx", place.x(t));
      yield "frame";
    }
    pulse.setAttribute("visibility", "hidden");
  }
  const windows = [
    ["chunks", "chunks of k"],
    ["sliding", "sliding window"],
  ];
  view.body.append(
    stage.box,
    view.row(
      view.range("k", { label: "Window k", values: ks }),
      view.range("delay", { label: "Delay", values: delays }),
      view.radios("window", { label: "Kind of window", options: windows, hidden: true }),
    ),
  );
  view.follow(["k", "window", "delay"], () => {
    stage.show();
    pulse.setAttribute("visibility", "hidden");
    if (!stillness() && stage.width) view.work("pulse", run());
    view.say(summarise(read(model)));
  });
  return () => view.dispose();
}

export default { render };
