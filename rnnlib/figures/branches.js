// Where a BeamExplorer's parts stand, and its parts: the tree, the lane of a reopened branch, what has ended.

import { label } from "./chart.js";
import { clamp, fixed } from "./elements.js";
import { shownSign, signOf } from "./looking.js";
import { mark } from "./stage.js";

export const ROWS = 5; // places of the widest beam
export const PRUNED = 3; // pruned branches in sight at each step
const SHORT = 3; // of what has ended

export function layout(width, { count, grown, opened, beam }) {
  const wide = width > 560;
  const left = wide ? 84 : 4;
  const room = width - left - 14;
  const gap = clamp(room / Math.max(1, count), wide ? 28 : 23, wide ? 62 : 30);
  const columns = Math.max(1, Math.floor(room / gap));
  const last = opened ? Math.min(grown, opened + columns - 3) : grown; // the branch stays in sight
  const from = clamp(last - columns, 0, Math.max(0, count - columns));
  const [top, pitch] = wide ? [48, 23] : [44, 20];
  const lane = top + (beam + PRUNED + 0.5) * pitch + 5;
  const table = top + (ROWS + PRUNED + 1) * pitch + (wide ? 32 : 36);
  return {
    wide,
    width,
    beam,
    left,
    gap,
    from,
    to: Math.min(count, from + columns),
    top,
    pitch,
    lane,
    bottom: lane + 10,
    table,
    row: wide ? 21 : 20,
    height: table + (SHORT + 2) * (wide ? 21 : 20) - 4,
    x: (t) => left + (t - from + 0.5) * gap,
    y: (row) => top + (row + 0.5) * pitch,
    track: wide ? [width - 190, width - 20] : [width - 112, width - 12],
  };
}

// the row of a branch: those that were kept stand above, those that were pruned below
export const rowOf = (branches, n, beam) => {
  if (branches[n].kept) return n;
  return beam + n - branches.filter(({ kept }) => kept).length;
};

const round = (value) => Math.round(value * 10) / 10;

function edge(key, kind, [x1, y1], [x2, y2], width) {
  const half = (x2 - x1) / 2;
  const d = `M${round(x1)},${round(y1)} C${round(x1 + half)},${round(y1)} ${round(x2 - half)},${round(y2)} ${round(x2)},${round(y2)}`;
  return mark("path", key, { class: `be-edge ${kind}`, d, "stroke-width": round(width) });
}

function node(key, kind, x, y, sign, size) {
  const text = { class: `be-letter on ${kind}`, x, y: y + 5, "text-anchor": "middle", "font-size": size };
  return [
    mark("rect", `${key}box`, { class: `be-node ${kind}`, x: x - 9, y: y - 10, width: 18, height: 20, rx: 4 }),
    mark("text", key, text, shownSign(sign)),
  ];
}

const within = (ids, longer) => ids.every((k, n) => k === longer?.[n]);

export function tree(place, translator, { steps, grown, winner, reopened }) {
  const { x, y, from, to, wide, beam } = place;
  const size = wide ? 14 : 13;
  const edges = [];
  const nodes = [];
  for (let t = from; t < Math.min(to, grown); t++)
    steps[t].forEach((branch, n) => {
      const row = rowOf(steps[t], n, beam);
      if (row >= beam + PRUNED) return;
      const won = branch.kept && within(branch.ids, winner?.ids);
      const opened = reopened?.at(-1) === branch.symbol && reopened.length === t + 1 && within(branch.ids, reopened);
      const kind = won ? "won" : opened ? "opened" : branch.kept ? "" : "pruned";
      const at = [x(t), y(row)];
      const start = t ? [x(t - 1) + 9, y(rowOf(steps[t - 1], branch.parent, beam))] : [x(t) - place.gap + 4, y(0)];
      if (t > from || !t) edges.push(edge(`e${t} ${n}`, kind, start, [at[0] - 9, at[1]], 0.8 + 4 * branch.p));
      nodes.push(...node(`n${t} ${n}`, kind, ...at, signOf(translator, branch.symbol), size));
    });
  const marks = [...edges, ...nodes];
  const cut = place.top + beam * place.pitch;
  marks.unshift(mark("line", "cut", { class: "be-cut", x1: 0, x2: place.width, y1: cut, y2: cut }));
  if (wide) {
    marks.push(label("lk", 0, y(0) + 5, "kept", { class: "rf-strong" }), label("lp", 0, y(beam) + 5, "pruned"));
    marks.push(label("lo", 0, place.lane + 5, "reopened", { class: "be-opened" }));
  }
  return marks;
}

// how a reopened branch goes on, below the tree
export function lane(place, translator, { steps, path, best, grown }) {
  if (!best) return [];
  const { x, y, from, to, wide } = place;
  const marks = [];
  const start = path.length;
  const t0 = start - 1;
  const at = steps[t0]?.findIndex(({ ids }) => ids.length === start && within(ids, path)) ?? -1;
  const seen = (t) => t >= from && t < to;
  if (start < best.ids.length && at >= 0 && t0 < grown && seen(t0) && seen(start)) {
    const row = rowOf(steps[t0], at, place.beam);
    if (row < place.beam + PRUNED)
      marks.push(edge("lane", "opened", [x(t0) + 9, y(row)], [x(start) - 9, place.lane], 2));
  }
  for (let t = start; t < best.ids.length; t++)
    if (seen(t)) {
      marks.push(...node(`o${t}`, "opened", x(t), place.lane, signOf(translator, best.ids[t]), wide ? 14 : 13));
      if (t > start && seen(t - 1))
        marks.push(edge(`oe${t}`, "opened", [x(t - 1) + 9, place.lane], [x(t) - 9, place.lane], 2));
    }
  return marks;
}

export const number = (value) => fixed(value, 2);

// what has ended, best first; greedy search and the reopened branch beside it
export function table(place, translator, { list, greedy, opened, penalty, trackAt }) {
  const { table: top, row: high, wide, track, width } = place;
  const marks = [];
  const [score, logP, symbols, text] = wide ? [130, 190, 240, 262] : [42, 88, 0, 100];
  const most = Math.floor((width - text) / 7.8);
  const line = (key, n, kind, name, branch) => {
    const y = top + n * high + 15;
    const put = (part, x, words, anchor = "end") => {
      const options = { class: `be-cell ${kind}`, x, y, "text-anchor": anchor, "font-size": 12.5 };
      marks.push(mark("text", `${key}${part}`, options, words));
    };
    put("s", score, number(branch.logP / branch.ids.length ** penalty));
    put("l", logP, number(branch.logP));
    if (wide) put("n", symbols, branch.ids.length);
    const words = translator.target.text(branch.ids) || "nothing";
    put("t", text, words.length > most ? `${words.slice(0, most - 1)}…` : words, "start");
    if (wide) put("w", 0, name, "start");
    else if (words.length < most - 10) put("w", width, name);
  };
  const heads = [["score", score], ["log p", logP], ...(wide ? [["length", symbols]] : [])];
  for (const [words, x] of heads) marks.push(label(`h${words}`, x, top - 5, words, { "text-anchor": "end" }));
  list.slice(0, SHORT).forEach((branch, n) => line(`f${n}`, n, n ? "" : "won", n ? "" : "winner", branch));
  if (greedy) line("g", SHORT, "greedy", "greedy", greedy);
  if (opened) line("o", SHORT + 1, "opened", "reopened", opened);
  marks.push(mark("line", "track", { class: "be-track", x1: track[0], x2: track[1], y1: top - 9, y2: top - 9 }));
  marks.push(mark("line", "fill", { class: "be-fill", x1: track[0], x2: trackAt, y1: top - 9, y2: top - 9 }));
  const told = wide ? `length penalty κ = ${fixed(penalty, 1)}` : `κ = ${fixed(penalty, 1)}`;
  marks.push(label("kappa", track[0] - 14, top - 5, told, { "text-anchor": "end" }));
  return marks;
}
