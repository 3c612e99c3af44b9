// A linear recurrence as the loop's chain and as the scan's tree, round by round. See scan_tree.py.

import { arrow, label, scale } from "./chart.js";
import { clamp, svg } from "./elements.js";
import { mark } from "./stage.js";
import { cost, done, joints, last, partsOf, roundOf, way } from "./tree.js";
import { View } from "./view.js";

export { cost, done, joints, last, partsOf, roundOf, way };

const MOST = 32;
const ROWS = 8; // the deepest tree of MOST steps
const CHAIN = 72; // the chain's line, in pixels from the top
const TOP = 156; // the tree's row 0

export function finding({ T, round }, wide) {
  const [chain, tree] = ["loop", "tree"].map((method) => done(T, round, method));
  const all = (count) => (count === T ? `all ${T}` : `${count} of ${T}`);
  const rounds = `${round} ${round === 1 ? "round" : "rounds"}`;
  return wide
    ? `After ${rounds} the loop has ${all(chain)} states, the tree ${all(tree)}`
    : `After ${rounds}: loop ${all(chain)}, tree ${all(tree)}`;
}

const counted = (T, method) => {
  const { operations, depth } = cost(T, method);
  return { operations, rounds: depth / 2 };
};

export function summary({ T, round }) {
  const [chain, tree] = ["loop", "tree"].map((method) => counted(T, method));
  return (
    `${T} steps. The loop needs ${chain.operations} operations in ${chain.rounds} rounds, the tree ${tree.operations} in ` +
    `${tree.rounds}. ${finding({ T, round }, true)}.`
  );
}

function layout(width) {
  const wide = width > 560;
  const left = wide ? 30 : 18;
  const gap = wide ? 27 : 29;
  const x = scale([1, MOST], [left, width - (wide ? 22 : 14)]);
  return { wide, x, row: (n) => TOP + n * gap, size: wide ? 6 : 3.6, height: TOP + ROWS * gap + 14 };
}

// how an element stands in this round: made before it, in it, or not yet
const when = (made, round) => (made > round ? "later" : made === round && made > 0 ? "now" : "there");

function drawChain({ x, size }, { T, round }) {
  const marks = [];
  for (let t = 2; t <= T; t++) {
    const [from, to] = [
      [x(t - 1), CHAIN],
      [x(t), CHAIN],
    ];
    const kind = `st-edge ${when(t - 1, round)}`;
    marks.push(arrow(`c-e${t}`, from, to, { gap: size + 1, head: size, class: kind }));
  }
  for (let t = 1; t <= T; t++)
    marks.push(mark("circle", `c${t}`, { class: `st-state ${when(t - 1, round)}`, cx: x(t), cy: CHAIN, r: size }));
  return marks;
}

function drawTree({ x, row, size }, { T, round }) {
  const longest = new Set(way(last(T)));
  const at = (t, made) => [x(t), row(made)];
  const edges = [];
  const nodes = [];
  const edge = (key, from, to, made, kind = "") =>
    edges.push(
      mark("line", key, {
        class: `st-edge ${when(made, round)} ${kind}`,
        x1: from[0],
        y1: from[1],
        x2: to[0],
        y2: to[1],
      }),
    );
  const block = (key, [cx, cy], made) => {
    const side = 1.7 * size;
    const place = { x: cx - side / 2, y: cy - side / 2, width: side, height: side };
    nodes.push(mark("rect", key, { class: `st-joint ${when(made, round)}`, ...place }));
  };
  for (let t = 2; t <= T; t++) block(`j0-${t}`, at(t, 0), 0); // the steps themselves
  for (const { t, level } of joints(T)) {
    const half = 2 ** (level - 1);
    for (const from of [t - half, t]) edge(`j${level}-${t}-${from}`, at(from, level - 1), at(t, level), level);
    block(`j${level}-${t}`, at(t, level), level);
  }
  for (let t = 1; t <= T; t++) {
    const { level, before } = partsOf(t);
    const made = roundOf(t);
    const [earlier, joint] = before ? [before, level] : [t / 2, level - 1];
    if (t > 1) {
      const marked = longest.has(`s${t}`) ? "st-longest" : "";
      edge(`e${t}`, at(earlier, roundOf(earlier)), at(t, made), made, marked);
      edge(`f${t}`, at(t, joint), at(t, made), made);
    }
    nodes.push(mark("circle", `s${t}`, { class: `st-state ${when(made, round)}`, cx: x(t), cy: row(made), r: size }));
  }
  return [
    ...edges.sort((a, b) => a.attributes.class.includes("longest") - b.attributes.class.includes("longest")),
    ...nodes,
  ];
}

function words(place, { T, round }) {
  const { wide, x, row } = place;
  const [chain, tree] = ["loop", "tree"].map((method) => counted(T, method));
  const size = wide ? 13 : 12;
  const told = ({ operations, rounds }) => `${operations} operations in ${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  const from = x.range[0] - (wide ? 30 : 18);
  const rows = Array.from({ length: roundOf(last(T)) + 1 }, (_, n) =>
    label(`row${n}`, from, row(n) + 4, n, { "font-size": 12, class: `rf-soft ${n === round ? "st-round" : ""}` }),
  );
  return [
    label("finding", 0, 16, finding({ T, round }, wide), {
      class: "st-finding rf-strong",
      "font-size": wide ? 15 : 12.5,
    }),
    label("chain", 0, 46, `loop: ${told(chain)}`, { "font-size": size, class: "st-name" }),
    label("tree", 0, TOP - 32, `tree: ${told(tree)}`, { "font-size": size, class: "st-name" }),
    label("rounds", from, TOP - 14, "round", { "font-size": 12 }),
    waits(place, T),
    ...(wide ? [label("kinds", x.range[1], TOP - 32, "■ joined steps   ● states", { "text-anchor": "end" })] : []),
    ...rows,
  ];
}

// beside the state that has to wait longest, where nothing else stands
function waits({ wide, x, row }, T) {
  const t = last(T);
  const y = row(roundOf(t)) + 4;
  const options = { class: "st-waits", "font-size": 12 };
  if (x(t) > (wide ? 160 : 110))
    return label("waits", x(t) - 12, y, "waits longest", { ...options, "text-anchor": "end" });
  return label("waits", x(T) + 14, y, "waits longest", { ...options, "text-anchor": "start" });
}

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("st");
  const read = () => {
    const T = clamp(model.get("steps"), 2, MOST);
    return { T, round: clamp(model.get("round"), 0, T - 1) };
  };
  let state = read();
  let place = layout(900);

  const stage = view.stage("The loop's chain and the scan's tree", (width) => {
    place = layout(width);
    const { x } = place;
    return {
      height: place.height,
      marks: [
        ...words(place, state),
        mark("line", "rail", { class: "st-rail", x1: x.range[0], x2: x.range[1], y1: CHAIN + 24, y2: CHAIN + 24 }),
        ...drawChain(place, state),
        ...drawTree(place, state),
        {
          key: "field",
          node: field,
          attributes: { class: "rf-field", x: 0, y: CHAIN + 12, width, height: 24 },
        },
        { key: "steps", node: handle, attributes: { transform: `translate(${x(state.T)},${CHAIN + 24})` } },
      ],
    };
  });

  const put = (steps) => {
    const T = clamp(Math.round(steps), 2, MOST);
    if (T !== model.get("steps")) view.set("steps", T);
  };
  const handle = view.handle(stage, {
    label: "Number of steps",
    names: ["steps"],
    min: 2,
    max: MOST,
    get: () => state.T,
    set: put,
    text: (T) => `${T} steps`,
    shape: [
      svg("circle", { class: "rf-knob", r: 9 }),
      svg("path", { class: "st-grip", d: "M-2,-3.5 L-5.5,0 L-2,3.5 M2,-3.5 L5.5,0 L2,3.5" }),
    ],
  });
  const field = svg("rect");
  const act = (at) => put(place.x.invert(at));
  for (const node of [handle, field])
    view.drag(stage, node, act, { focus: () => handle.focus({ preventScroll: true }) });

  const player = view.player("round", {
    label: "Round",
    min: 0,
    max: () => state.T - 1,
    every: 500,
    names: ["steps"],
  });
  view.body.append(stage.box, view.row(player));
  view.follow(["steps", "round"], () => {
    const old = state;
    state = read();
    player.update();
    stage.show({ moves: !view.dragging && old.round === state.round });
    view.say(summary(state));
  });
  return () => view.dispose();
}

export default { render };
