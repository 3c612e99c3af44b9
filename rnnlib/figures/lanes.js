// The lanes of a weight's uses under the unrolled network, and the stack of their contributions.

import { label, scale } from "./chart.js";
import { fixed } from "./elements.js";
import { T, subscript } from "./paths.js";
import { mark } from "./stage.js";
import { LANES } from "./unrolled.js";

// ---- the lanes ------------------------------------------------------------------------------------------------------

// Under the network, for each use of the weight that the backward pass has reached, the factors of one path, each below the
// state or the edge that it belongs to. They appear from the loss backwards.
export function lanes({ place, result, step, path }) {
  const { column, lanes: top, laneHeight, wide, gap, width } = place;
  const marks = [];
  if (wide)
    for (let t = 1; t <= T + 1; t++) {
      const style = { "text-anchor": "middle", "font-size": 12 };
      marks.push(label(`lw${t}`, column(t - 0.5), top - 7, t > T ? "W_hq" : "W_hh", style));
      marks.push(label(`ls${t}`, column(t), top - 7, t > T ? "ŷ − y" : `φ′(a${subscript(t)})`, style));
    }
  result.terms.forEach(({ t, paths, value }, n) => {
    const y = top + n * laneHeight;
    const reached = step >= 5 + n;
    const kind = `${LANES[n]} ${step === 5 + n ? "now" : ""} ${reached ? "" : "later"}`;
    const start = column(t - 0.5) - (wide ? 38 : 16);
    const end = width - (wide ? 0 : 1);
    marks.push(
      mark("rect", `lane${n}`, {
        class: `us-lane ${kind}`,
        x: start,
        y,
        width: end - start,
        height: laneHeight - 5,
        rx: 9,
      }),
    );
    const chosen = paths[Math.min(path, paths.length - 1)];
    const name = wide ? `use at t = ${t}` : `t = ${t}`;
    marks.push(
      label(`ln${n}`, 0, y + (wide ? 12 : 12), name, { class: `us-lane-name ${kind}`, "font-size": wide ? 13 : 11.5 }),
    );
    const told = reached ? signed(value, wide ? 3 : 2) : "·";
    marks.push(
      label(
        `lv${n}`,
        0,
        y + (wide ? 27 : 26),
        wide && reached && paths.length > 1 ? `${told}, ${paths.length} paths` : told,
        { class: `us-lane-value ${kind}`, "font-size": wide ? 13 : 12 },
      ),
    );
    if (!reached) return;
    chosen.factors.forEach(({ place: where, value: factor, name: source, kind: what, dropped }, k) => {
      const text = source && wide ? `${source} ${fixed(factor, 2)}` : fixed(factor, 2);
      const wait = step === 5 + n ? (0.7 * (chosen.factors.length - 1 - k)) / chosen.factors.length : 0;
      const style = {
        class: `on us-factor ${what} ${dropped ? "dropped" : ""}`,
        "text-anchor": "middle",
        "font-size": wide ? 13.5 : 11,
      };
      const at = column(where) - (where === T + 0.5 && !wide ? 5 : 0); // a minus sign needs room
      marks.push(
        mark(
          "text",
          `f${n} ${where}`,
          {
            ...style,
            x: at,
            y: y + laneHeight / 2 + 2,
            opacity: 1,
            from: { opacity: 0, x: column(T + 1) },
            delay: wait,
          },
          text,
        ),
      );
      if (k && wide) {
        const dot = {
          class: "on rf-soft",
          "text-anchor": "middle",
          "font-size": 13,
          opacity: 1,
          from: { opacity: 0 },
          delay: wait,
        };
        marks.push(
          mark("text", `d${n} ${where}`, { ...dot, x: column(where) - gap / 4, y: y + laneHeight / 2 + 2 }, "·"),
        );
      }
    });
    if (step === 5 + n && paths.length > 1 && wide) {
      const index = Math.min(path, paths.length - 1) + 1;
      marks.push(
        label(
          "which",
          start - 16,
          y + laneHeight / 2 + 2,
          t === 1 ? "" : `path ${index} of ${paths.length}: ${signed(chosen.value, 3)}`,
          { "text-anchor": "end", "font-size": 12 },
        ),
      );
    }
  });
  return marks;
}

const signed = (value, digits) => (value < 0 ? "" : "+") + fixed(value, digits);

// Where the pulse passes on its way back along a path, factor by factor: in the network, in the lane, and the product so far.
export function journey(place, { t, paths }, n, path) {
  const chosen = paths[Math.min(path, paths.length - 1)];
  const { column, row, middle, lanes: top, laneHeight } = place;
  const node = (at) => (at > T ? [column(T + 1), middle] : [column(at), row(chosen.units[at - t] ?? chosen.units[0])]);
  const y = top + n * laneHeight + (laneHeight - 5) / 2;
  let product = 1;
  return [...chosen.factors].reverse().map(({ place: at, value }) => {
    product *= value;
    const whole = Number.isInteger(at);
    const [from, to] = [node(Math.floor(at)), node(Math.ceil(at))];
    const start = at < t ? [column(t) - place.gap / 2, to[1]] : [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    return { network: whole ? node(at) : start, lane: [column(at), y], product };
  });
}

// ---- the stack ------------------------------------------------------------------------------------------------------

// The contributions, one after the other along a line; below it the finite difference of the weight itself.
export function stack({ place, result, step }, ghost) {
  const { stackTop: y, wide, width } = place;
  const { terms, total, difference } = result;
  const sums = [0];
  for (const { value } of terms) sums.push(sums.at(-1) + value);
  const all = [...sums, difference, ...(ghost ? [ghost.total] : [])];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const pad = (high - low || 1) * 0.06;
  const x = scale([low - pad, high + pad], [wide ? 118 : 8, width - (wide ? 110 : 8)]);
  const early = x(difference) < width / 2;
  const marks = [
    label("sn", 0, wide ? y + 14 : y - 8, wide ? `∂L/∂w, the sum` : "the sum, ∂L/∂w", { "font-size": 12.5 }),
  ];
  marks.push(mark("line", "zero", { class: "us-zero", x1: x(0), x2: x(0), y1: y - 4, y2: y + 30 }));
  marks.push(label("zero0", x(0), y + 43, early === x(0) < width / 2 ? "" : "0", { "text-anchor": "middle" }));
  terms.forEach((_, n) => {
    const reached = step >= 5 + n;
    const [a, b] = reached
      ? [sums[n], sums[n + 1]]
      : [sums[Math.max(0, Math.min(n, step - 4))], sums[Math.max(0, Math.min(n, step - 4))]];
    const [left, right] = [Math.min(x(a), x(b)), Math.max(x(a), x(b))];
    const thick = 7;
    marks.push(
      mark("rect", `st${n}`, {
        class: `us-term ${LANES[n]}`,
        x: left,
        width: right - left,
        y: y + n * (thick + 1),
        height: thick + 1,
        rx: 2,
      }),
    );
    marks.push(
      mark("line", `sl${n}`, {
        class: `us-step ${reached ? "" : "later"}`,
        x1: x(b),
        x2: x(b),
        y1: y + n * (thick + 1),
        y2: y + 26,
      }),
    );
  });
  if (ghost) {
    marks.push(
      mark("line", "ghost", { class: "us-ghost", x1: x(ghost.total), x2: x(ghost.total), y1: y - 6, y2: y + 26 }),
    );
    marks.push(
      label("ghostn", x(ghost.total), y - 9, `as trained ${signed(ghost.total, 3)}`, {
        "text-anchor": "middle",
        "font-size": 12,
      }),
    );
  }
  const done = step === 7;
  const partial = sums[Math.max(0, step - 4)];
  const agree = Math.abs(total - difference) < 1e-6;
  const text = done ? `sum ${signed(total, 4)}` : step > 4 ? `so far ${signed(partial, 3)}` : "";
  marks.push(
    mark("path", "fd", {
      class: `us-difference ${done ? "" : "later"} ${agree ? "" : "off"}`,
      d: `M${x(difference)},${y + 26} l6,11 h-12 Z`,
    }),
  );
  marks.push(
    label("fdn", x(difference) + (early ? 12 : -12), y + 38, `finite difference ${signed(difference, wide ? 4 : 3)}`, {
      "text-anchor": early ? "start" : "end",
      "font-size": 12,
    }),
  );
  const where =
    done && wide
      ? { x: width - 104, "text-anchor": "start", y: y + 14 }
      : wide
        ? { x: width - 104, y: y + 14, "text-anchor": "start" }
        : { x: width, y: y - 8, "text-anchor": "end" };
  marks.push(
    label("sum", where.x, where.y, text, { "text-anchor": where["text-anchor"], class: "rf-strong", "font-size": 13 }),
  );
  return marks;
}
