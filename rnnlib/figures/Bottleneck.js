// How many dates fit through one vector: exact match over the length of a list, and a list at hand. See bottleneck.py.

import { axes, band, curve, label, scale } from "./chart.js";
import { firstDifference } from "./compare.js";
import { clamp, nearest, svg } from "./elements.js";
import { mark } from "./stage.js";
import { View } from "./view.js";

const HUES = ["first", "second", "third", "fourth", "fifth", "sixth"];

const percent = (share) => `${Math.round(100 * share)} %`;
const dates = (n) => (n === 1 ? "1 date" : `${n} dates`);

function median(values) {
  const sorted = [...values].sort((one, two) => one - two);
  const half = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}

// for each model, by length: the least, the median and the largest share over the seeds
export function curves({ lengths, models }) {
  return models.map(({ name, attention, exact }) => ({
    name,
    attention: Boolean(attention),
    seeds: exact.length,
    points: lengths.map((_, n) => {
      const values = exact.map((seed) => seed[n]);
      return { low: Math.min(...values), middle: median(values), high: Math.max(...values) };
    }),
  }));
}

// a translation beside the right one: whether it is right, and the place of the first wrong symbol
export function judged(target, output) {
  const [right, written] = [[...target], [...output]];
  const wrong = firstDifference(right, written);
  return { exact: target === output, wrong, signs: written };
}

const best = (lines, n) =>
  lines.length ? lines.reduce((one, two) => (two.points[n].middle > one.points[n].middle ? two : one)) : null;

// what the picture says in one line
export function finding(lines, { length, n }, wide = true) {
  const [without, looking] = [false, true].map((kind) =>
    best(
      lines.filter(({ attention }) => attention === kind),
      n,
    ),
  );
  const share = ({ points }) => percent(points[n].middle);
  if (!without || !looking) return `${dates(length)}: ${share(without ?? looking)} without a mistake at best`;
  const several = lines.filter(({ attention }) => !attention).length > 1;
  const most = several && without.points[n].middle > 0 ? "at most " : "";
  if (!wide) return `${dates(length)}: attention ${share(looking)}, without ${most && "≤ "}${share(without)}`;
  return `${dates(length)}: ${share(looking)} right with attention, ${most}${share(without)} without`;
}

export function summary(measured, lines, { length, n, example }) {
  const all = lines.map(({ name, points }) => `${name} ${percent(points[n].middle)}`).join("; ");
  const wrong = example.outputs.map((output) => judged(example.target, output));
  const here = wrong.map(({ exact, wrong: at }) => (exact ? "none" : at + 1)).join(", ");
  const unseen = measured.trained.includes(length) ? "" : " (not trained)";
  return `${dates(length)}${unseen}, without a mistake: ${all}. First wrong symbol of the list shown: ${here}.`;
}

function layout(width, { lengths, models }) {
  const wide = width > 560;
  const right = wide ? width - 268 : width - 8;
  const [top, bottom] = wide ? [62, 196] : [58, 154];
  const text = { top: bottom + (wide ? 54 : 56), row: wide ? 21 : 31, advance: wide ? 7.9 : 7.2, left: wide ? 214 : 0 };
  return {
    wide,
    width,
    top,
    bottom,
    x: scale([Math.min(...lengths) - 0.35, Math.max(...lengths) + 0.35], [44, right], { ticks: lengths }),
    y: scale([0, 1], [bottom, top], { ticks: wide ? [0, 0.25, 0.5, 0.75, 1] : [0, 0.5, 1] }),
    text,
    columns: Math.floor((width - text.left - 6) / text.advance),
    height: text.top + (wide ? 2 * 21 + models.length * 21 : 2 * 20 + models.length * 31) - 12,
  };
}

// labels at the right end, pushed apart
function spread(heights, gap, low, high) {
  const order = heights.map((y, n) => [y, n]).sort((one, two) => one[0] - two[0] || one[1] - two[1]);
  const placed = Array(heights.length);
  let floor = low;
  for (const [y, n] of order) floor = (placed[n] = Math.max(y, floor)) + gap;
  let ceiling = high;
  for (const [, n] of [...order].reverse()) ceiling = (placed[n] = Math.min(placed[n], ceiling)) - gap;
  return placed;
}

function chart(place, measured, lines, { n, length }) {
  const { x, y, wide, top, bottom } = place;
  const { lengths, trained } = measured;
  const marks = [];
  const longest = Math.max(...trained);
  if (longest < Math.max(...lengths)) {
    const from = x(longest + 0.5);
    marks.push(
      mark("rect", "zone", { class: "bo-zone", x: from, y: top, width: x.range[1] - from, height: bottom - top }),
    );
    // beside the cursor's first place in the zone, not under it
    (wide ? ["longer than", "any trained"] : ["not", "trained"]).forEach((words, k) => {
      marks.push(label(`zonen${k}`, x(longest + 1) + 7, top + 14 + 15 * k, words));
    });
  }
  const texts = { yTitle: "lists without a mistake", yTitleAt: top - 27, xTitle: "dates in the list", format: percent };
  marks.push(...axes(x, y, texts));
  marks.push(mark("line", "cursor", { class: "bo-cursor", x1: x(length), x2: x(length), y1: top - 10, y2: bottom }));
  lines.forEach(({ points }, k) => {
    const at = (kind) => points.map((point, i) => [x(lengths[i]), y(point[kind])]);
    marks.push(band(`band${k}`, at("low"), at("high"), { class: `bo-band ${HUES[k]}` }));
    marks.push(curve(`line${k}`, at("middle"), { class: `bo-line ${HUES[k]}` }));
    marks.push(mark("circle", `dot${k}`, { class: `bo-dot ${HUES[k]}`, cx: x(length), cy: y(points[n].middle), r: 5 }));
  });
  if (wide) {
    const heights = lines.map(({ points }) => y(points[n].middle));
    const placed = spread(heights, 19, top, bottom);
    lines.forEach(({ name, points }, k) => {
      const left = x.range[1] + 14;
      marks.push(
        mark("line", `to${k}`, { class: `bo-to ${HUES[k]}`, x1: left - 10, x2: left, y1: placed[k], y2: placed[k] }),
      );
      const words = `${percent(points[n].middle)}  ${name}`;
      marks.push(
        mark(
          "text",
          `name${k}`,
          { class: `bo-name ${HUES[k]}`, x: left + 5, y: placed[k] + 4, "font-size": 12.5 },
          words,
        ),
      );
    });
  }
  return marks;
}

// the list at hand: the source, what is right, and each translation up to and after its first wrong symbol
function lists(place, lines, example, { n }) {
  const { text, columns, wide } = place;
  const { top, row, advance, left } = text;
  const marks = [];
  // whatever the font, a symbol is `advance` wide
  const letters = (key, x, y, kind, words, fit = words.length * advance) => {
    const options = { class: `bo-letter ${kind}`, x, y, "font-size": wide ? 13 : 12, textLength: fit };
    if (words) marks.push(mark("text", key, options, words.replaceAll(" ", "\u00a0")));
  };
  const cut = (signs, room) => (signs.length > room ? `${signs.slice(0, room - 1).join("")}…` : signs.join(""));
  const first = wide ? 21 : 20;
  const name = (key, y, kind, words) => marks.push(label(key, 0, y, words, { class: kind, "font-size": 12.5 }));
  if (wide) {
    name("ls", top, "rf-soft", "source");
    name("lt", top + first, "rf-soft", "right translation");
  }
  letters("source", left, top, "rf-soft", cut([...example.source], Math.floor(columns * 0.56)), null);
  letters("target", left, top + first, "rf-strong", cut([...example.target], columns));
  example.outputs.forEach((output, k) => {
    const y = top + 2 * first + k * row + (wide ? 2 : 14);
    const { exact, wrong, signs } = judged(example.target, output);
    const under = wide ? y : y - 14;
    const told = wide ? lines[k].name : `${percent(lines[k].points[n].middle)}  ${lines[k].name}`;
    name(`n${k}`, under, `bo-name ${HUES[k]}`, told);
    const from = exact ? 0 : clamp(wrong - Math.floor(columns * 0.55), 0, Math.max(0, signs.length - columns));
    const start = from > 0 ? "…" : "";
    const good = start + signs.slice(from + start.length, exact ? from + columns : wrong).join("");
    letters(`g${k}`, left, y, "", exact ? cut(signs, columns) : good);
    if (exact) return;
    const at = left + [...good].length * advance;
    marks.push(
      mark("rect", `w${k}`, { class: "bo-wrong", x: at - 0.5, y: y - 13, width: advance + 1, height: 17, rx: 3 }),
    );
    letters(`b${k}`, at, y, "on bo-bad", (signs[wrong] ?? "∎").replace(" ", "␣"));
    const room = columns - [...good].length - 1;
    if (room > 0) letters(`r${k}`, at + advance, y, "rf-soft", cut(signs.slice(wrong + 1), room));
  });
  return marks;
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("bo");
  const measured = model.get("measured");
  const lines = curves(measured);
  const { lengths } = measured;
  const read = () => {
    const n = nearest(lengths, model.get("length"));
    const shown = measured.examples[n];
    return { n, length: lengths[n], example: shown[clamp(model.get("example"), 0, shown.length - 1)] };
  };
  let place = layout(900, measured);
  const stage = view.stage("Lists without a mistake over their length, and a list at hand", (width) => {
    place = layout(width, measured);
    const state = read();
    const { x, top, bottom, wide } = place;
    return {
      height: place.height,
      marks: [
        label("finding", 0, 16, finding(lines, state, wide), {
          class: "bo-finding rf-strong",
          "font-size": wide ? 15 : 12.5,
        }),
        ...chart(place, measured, lines, state),
        ...lists(place, lines, state.example, state),
        {
          key: "field",
          node: field,
          attributes: {
            class: "rf-field",
            x: x.range[0],
            y: top - 8,
            width: x.range[1] - x.range[0],
            height: bottom - top + 26,
          },
        },
        {
          key: "another",
          node: another,
          attributes: {
            visibility: most > 1 ? "visible" : "hidden",
            transform: `translate(${width - 96},${place.text.top - (wide ? 15 : 16)})`,
          },
        },
        { key: "length", node: handle, attributes: { transform: `translate(${x(state.length)},${top - 12})` } },
      ],
    };
  });
  const put = (n) => {
    const length = lengths[clamp(n, 0, lengths.length - 1)];
    if (length !== model.get("length")) view.set("length", length);
  };
  const handle = view.handle(stage, {
    label: "Dates in the list",
    twin: false,
    names: ["length"],
    min: 0,
    max: lengths.length - 1,
    get: () => read().n,
    set: put,
    text: (n) => dates(lengths[n]),
    shape: [
      svg("circle", { class: "rf-knob", r: 9 }),
      svg("path", { class: "bo-grip", d: "M-2,-3.5 L-5.5,0 L-2,3.5 M2,-3.5 L5.5,0 L2,3.5" }),
    ],
  });
  const field = svg("rect");
  for (const node of [handle, field])
    view.drag(stage, node, (x) => put(nearest(lengths.map(place.x), x)), {
      focus: () => handle.focus({ preventScroll: true }),
    });
  const most = Math.min(...measured.examples.map((shown) => shown.length));
  const another = view.pick(
    "Another list of this length",
    () => view.set("example", (model.get("example") + 1) % most),
    { width: 96, height: 22 },
  );
  another.append(
    svg("text", { class: "bo-another on", x: 90, y: 15, "font-size": 13, "text-anchor": "end" }, "another list"),
  );
  view.body.append(stage.box, view.range("length", { label: "Dates", values: lengths, format: dates }));
  view.follow(["length", "example"], () => {
    stage.show({ moves: !view.dragging });
    const state = read();
    view.say(summary(measured, lines, state));
  });
  return () => view.dispose();
}

export default { render };
