// The drawing of the unrolled two-unit network.

import { arrow, label } from "./chart.js";
import { diverging, fixed } from "./elements.js";
import { T, subscript } from "./paths.js";
import { mark } from "./stage.js";

export const LANES = ["three", "two", "one"]; // the uses at t = 3, 2, 1

export function layout(width) {
  const wide = width > 560;
  const radius = wide ? 23 : 18;
  const left = wide ? 118 : 22;
  const gap = (width - left - radius - (wide ? 26 : 4)) / (T + 1);
  const column = (t) => left + t * gap;
  const row = (unit) => (wide ? 46 : 40) + unit * (wide ? 62 : 54);
  const middle = (row(0) + row(1)) / 2;
  const inputs = row(1) + (wide ? 56 : 50);
  const lanes = inputs + (wide ? 46 : 38);
  const laneHeight = wide ? 34 : 33;
  const stackTop = lanes + 3 * laneHeight + (wide ? 22 : 26);
  const ends = ({ name, i, j }, t) => {
    if (name === "W_h")
      return [
        [column(t - 1), row(i)],
        [column(t), row(j)],
      ];
    if (name === "W_x")
      return [
        [column(t) - (j === 0 ? radius * 0.7 : 0), inputs - radius * 0.7],
        [column(t) - (j === 0 ? radius * 0.9 : 0), row(j)],
      ];
    return [
      [column(t) + radius * 1.9, row(j) - radius * 1.2],
      [column(t), row(j)],
    ];
  };
  const bend = (t) =>
    `M${column(t) - radius * 0.7},${inputs - radius * 0.6} Q${column(t) - radius * 1.75},${middle + 8} ${column(t) - radius * 0.72},${row(0) + radius * 0.78}`;
  return {
    wide,
    width,
    radius,
    gap,
    column,
    row,
    middle,
    inputs,
    lanes,
    laneHeight,
    stackTop,
    height: stackTop + (wide ? 54 : 58),
    size: wide ? 14 : 12,
    ends,
    // where the value of a weight stands on its edge into step t: off the crossing
    edge: (weight, t) => {
      const [[x1, y1], [x2, y2]] = ends(weight, t);
      if (weight.name === "W_x" && weight.j === 0) return [column(t) - radius * 1.35, middle + 8];
      const share = weight.name === "W_h" ? (weight.i === weight.j ? 0.5 : wide ? 0.3 : 0.5) : 0.45;
      return [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share];
    },
    line: (weight, t) => {
      if (weight.name === "W_x" && weight.j === 0) return bend(t);
      const [[x1, y1], [x2, y2]] = ends(weight, t);
      return `M${x1},${y1} L${x2},${y2}`;
    },
    bend,
    laneBox: (n) => ({ x: 0, y: lanes + n * laneHeight, width, height: laneHeight - 3 }),
    pathAt: (n) => [
      wide ? column(3 - n) - gap * 0.5 - 46 : 8,
      lanes + n * laneHeight + (wide ? laneHeight / 2 - 1 : 12),
    ],
    reset: wide ? [0, stackTop + 24] : [width - 98, stackTop + 36],
  };
}

// ---- the network ----------------------------------------------------------------------------------------------------

const PAIRS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

// The connections: those on a path from the weight's use to the loss in the colour of its lane, the weight itself in its own.
export function edges({ place, result, step, path }) {
  const { weight, terms } = result;
  const { column, row, radius, middle } = place;
  const active = step > 4 ? terms[step - 5] : null;
  const spelt = active?.paths[Math.min(path, active.paths.length - 1)];
  const lane = active ? LANES[step - 5] : "";
  const passes = ({ units }, t, i, j) => units[t - 1 - active.t] === i && units[t - active.t] === j;
  const flows = (t, i, j) => {
    if (!active?.paths.some((one) => passes(one, t, i, j))) return "";
    return passes(spelt, t, i, j) ? `path spelt ${lane}` : `path ${lane}`;
  };
  const kind = (t, name, i, j) => {
    if (weight.name === name && weight.j === j && (i === null || weight.i === i))
      return active?.t === t ? "chosen" : flows(t, i, j) || "copy";
    return (name === "W_h" && flows(t, i, j)) || (t === step ? "now" : t < step ? "done" : "later");
  };
  const marks = [];
  for (let t = 1; t <= T; t++) {
    for (const [i, j] of PAIRS) {
      const style = { class: `us-edge ${kind(t, "W_h", i, j)}`, gap: radius, gapEnd: radius + 1, head: 8 };
      marks.push(arrow(`h${t}${i}${j}`, [column(t - 1), row(i)], [column(t), row(j)], style));
    }
    const into = { gap: radius * 0.7, gapEnd: radius + 1, head: 8 };
    marks.push(
      arrow(`x${t}1`, [column(t), place.inputs], [column(t), row(1)], {
        class: `us-edge ${kind(t, "W_x", 0, 1)}`,
        ...into,
      }),
    );
    marks.push(mark("path", `x${t}0`, { class: `us-edge bend ${kind(t, "W_x", 0, 0)}`, d: place.bend(t) }));
    if (weight.name === "b") {
      const [start, end] = place.ends(weight, t);
      marks.push(
        arrow(`b${t}`, start, end, { class: `us-edge ${kind(t, "b", null, weight.j)}`, gapEnd: radius + 1, head: 8 }),
      );
    }
  }
  for (const j of [0, 1]) {
    const through = active?.paths.some(({ units }) => units.at(-1) === j);
    const how = through
      ? `path ${lane} ${spelt.units.at(-1) === j ? "spelt" : ""}`
      : step === 4
        ? "now"
        : step > 4
          ? "done"
          : "later";
    marks.push(
      arrow(`q${j}`, [column(T), row(j)], [column(T + 1), middle], {
        class: `us-edge ${how}`,
        gap: radius,
        gapEnd: radius + 1,
        head: 8,
      }),
    );
  }
  const order = ["later", "done", "now", "copy", "path", "chosen"];
  const rank = ({ attributes }) =>
    order.findIndex((name) => attributes.class.includes(name)) + (attributes.class.includes("spelt") ? 0.5 : 0);
  return marks.sort((a, b) => rank(a) - rank(b));
}

export function units({ place, result, step }) {
  const { net, run } = result;
  const { column, row, radius, size, inputs, middle, wide } = place;
  const marks = [];
  const text = (key, x, y, content, options = {}) =>
    mark(
      "text",
      key,
      { class: "on", x, y: y + size * 0.36, "font-size": wide ? size : 11, "text-anchor": "middle", ...options },
      content,
    );
  for (let t = 0; t <= T; t++) {
    const known = t <= step;
    for (const unit of [0, 1]) {
      const [x, y, value] = [column(t), row(unit), run.h[t][unit]];
      const style = known ? `fill: ${diverging(value)}` : "fill: var(--rf-surface)";
      marks.push(
        mark("circle", `n${t}${unit}`, { class: known ? "us-node" : "us-node later", cx: x, cy: y, r: radius, style }),
      );
      marks.push(text(`nv${t}${unit}`, x, y, known ? fixed(value, 2) : ""));
    }
    const now = t === (step <= 3 ? step : step > 4 ? 8 - step : null);
    marks.push(
      label(`hn${t}`, column(t), row(0) - radius - 8, `h${subscript(t)}`, {
        class: `rf-math us-name ${now ? "now" : ""}`,
        "font-size": size + 2,
        "text-anchor": "middle",
      }),
    );
    if (t === 0) continue;
    const box = { x: column(t) - radius, y: inputs - radius * 0.7, width: 2 * radius, height: radius * 1.4, rx: 7 };
    marks.push(
      mark("rect", `x${t}`, { class: "us-input", ...box }),
      text(`xv${t}`, column(t), inputs, fixed(net.x[t - 1], 2)),
    );
    marks.push(
      label(`xn${t}`, column(t) + radius + 6, inputs + 5, `x${subscript(t)}`, {
        class: "rf-math us-name input",
        "font-size": size + 1,
      }),
    );
  }
  if (wide)
    for (const unit of [0, 1]) marks.push(label(`u${unit}`, 0, row(unit) + 5, `unit ${unit + 1}`, { "font-size": 13 }));
  const x = column(T + 1);
  const known = step >= 4;
  const box = { x: x - radius, y: middle - radius * 0.75, width: 2 * radius, height: radius * 1.5, rx: 7 };
  marks.push(mark("rect", "out", { class: known ? "us-output" : "us-output later", ...box }));
  marks.push(text("outv", x, middle, known ? fixed(run.output, 2) : ""));
  marks.push(
    label("outn", x, middle - radius - 5, "ŷ", {
      class: "rf-math us-name output",
      "font-size": size + 2,
      "text-anchor": "middle",
    }),
  );
  const below = { "text-anchor": "middle", "font-size": wide ? 13 : 11.5 };
  marks.push(label("target", x, middle + radius + 12, `y ${fixed(net.y, 2)}`, below));
  marks.push(
    label("loss", x, middle + radius + 28, known ? `L ${fixed(run.loss, 2)}` : "", {
      ...below,
      class: "rf-soft rf-strong",
    }),
  );
  return marks;
}
