// What Race shows, and its right half: the error while learning. Below the limit each cell has a row of its own, in which its
// runs come to rest.

import { band, curve, label, scale } from "./chart.js";
import { clamp, fixed } from "./elements.js";
import { mark } from "./stage.js";

export const count = (value) => value.toLocaleString("en");
export const HUES = ["first", "second", "third", "fourth"];

// ---- what was measured ----------------------------------------------------------------------------------------------

const held = (errors, check) => errors[Math.min(check, errors.length - 1)];

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// One cell at one lag: what its runs have reached at each check, and after how many checks they have finished. The whole has
// finished when more than half of them have. Where a cell was not raced, there are no steps.
function course(runs, limit, checks) {
  const raced = runs.length > 0;
  const steps = Array.from({ length: raced ? checks + 1 : 0 }, (_, check) => {
    const values = runs.map((errors) => held(errors, check));
    return { low: Math.min(...values), middle: median(values), high: Math.max(...values) };
  });
  const ends = runs.map((errors) => (errors.at(-1) < limit ? errors.length - 1 : Number.POSITIVE_INFINITY));
  const sorted = [...ends].sort((a, b) => a - b);
  return {
    raced,
    steps,
    ends: sorted,
    finish: sorted[runs.length >> 1] ?? Number.POSITIVE_INFINITY,
    seeds: runs.length,
  };
}

// the task's cells, each with its course at every lag
export function races({ rules, lags, tasks }, task) {
  const [limit, every] = [rules.limit[task], rules.check];
  const checks = Math.round(rules.updates[task] / every);
  const cells = Object.entries(tasks[task]).map(([name, { hidden_size, weights, runs }]) => ({
    name,
    units: hidden_size,
    weights,
    courses: runs.map((seeds) => course(seeds, limit, checks)),
  }));
  const all = cells.flatMap(({ courses }) => courses.flatMap(({ steps }) => steps.map(({ high }) => high)));
  return { task, lags, limit, every, checks, cells, guess: rules.guess?.[task], most: Math.max(2 * limit, ...all) };
}

// ---- where everything stands ----------------------------------------------------------------------------------------

const TICKS = [3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001];

function root(most, [start, end], ticks) {
  const place = (value) => start + Math.sqrt(value / most) * (end - start);
  place.invert = (at) => most * clamp((at - start) / (end - start), 0, 1) ** 2;
  return Object.assign(place, { ticks, range: [start, end] });
}

function panel(x, [top, height], row, { cells, limit, most }) {
  const line = top + height;
  const y = scale([limit, most], [line, top], { log: true });
  const room = (tick) => line - y(tick) > 16 && tick <= most; // the limit has a number of its own
  const all = TICKS.filter(room);
  y.ticks = height < 120 && all.length > 4 ? all.filter((_, n) => n % 2 === 0) : all;
  const rows = cells.map((_, n) => line + 4 + row * (n + 0.5));
  return { x, y, top, line, rows, bottom: line + 6 + row * cells.length, at: (value) => y(Math.max(limit, value)) };
}

// the lags stand side by side, equally far apart
function steps(lags, [start, end]) {
  const gap = lags.length > 1 ? (end - start) / (lags.length - 1) : 0;
  const places = lags.map((_, n) => (lags.length > 1 ? start + gap * n : (start + end) / 2));
  return { places, range: [start, end] };
}

export function layout(width, race, columns) {
  const wide = width > 620;
  const { lags, checks, every } = race;
  const updates = checks * every;
  const left = wide ? 68 : 56; // a name of six letters has room
  const split = wide ? Math.round(width * 0.45) : width - 4;
  const [margin, room] = wide ? [split + 54, 84] : [left, 70];
  const row = wide ? 20 : 15;
  const stepX = root(
    updates,
    [margin, width - room],
    (wide ? [0, 0.05, 0.25, 0.5, 1] : [0, 0.05, 0.25, 1]).map((part) => Math.round(part * updates)),
  );
  const [top, zone, foot] = wide ? [74, 20, 222] : [56, 16, 146];
  const pace = scale([every, Math.max(updates, 2 * every)], [foot, top + zone + 8], { log: true });
  pace.ticks = [...[1, 4, 20].map((checks) => checks * every).filter((tick) => tick < updates), updates];
  const lagX = steps(lags, [left + 18, split - 18]);
  const rows = race.cells.map((_, n) => foot + (wide ? 22 : 20) + row * (n + 0.5));
  const bottom = rows.at(-1) + row / 2 + 2;
  const ends = wide ? [left + 86, split - 86] : [84, split - 76];
  const crossing = { pace, top, zone, foot, lags: lagX, rows, bottom, left, right: split, row };
  crossing.columns = columns > 1 ? steps(Array(columns).fill(0), ends).places : lagX.places;
  const along = panel(stepX, wide ? [64, foot - 46] : [bottom + 48, 64], row, race);
  return { wide, width, updates, row, crossing, along, height: along.bottom + 22 };
}

// ---- the marks ------------------------------------------------------------------------------------------------------

function frame(key, place, { x, y, line, rows, bottom, at }, { cells, limit, guess }, named) {
  const [left, right] = x.range;
  const marks = [
    mark("rect", `${key}zone`, { class: "ra-zone", x: left, y: line, width: right - left, height: bottom - line }),
  ];
  for (const tick of y.ticks)
    marks.push(
      mark("line", `${key}y${tick}`, { class: "rf-grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }),
      label(`${key}yt${tick}`, left - 7, y(tick) + 4, String(tick), { "text-anchor": "end" }),
    );
  for (const tick of x.ticks)
    marks.push(label(`${key}x${tick}`, x(tick), bottom + 16, count(tick), { "text-anchor": "middle" }));
  if (guess && place.wide)
    marks.push(mark("line", `${key}guess`, { class: "ra-guess", x1: left, x2: right, y1: at(guess), y2: at(guess) }));
  marks.push(
    mark("line", `${key}limit`, { class: "ra-limit", x1: left, x2: right, y1: line, y2: line }),
    label(`${key}limitname`, left - 7, line + 1, String(limit), { class: "ra-solved", "text-anchor": "end" }),
  );
  if (named)
    cells.forEach(({ name }, n) => {
      const style = { class: `ra-name ${HUES[n]}`, "text-anchor": "end", "font-size": place.wide ? 12.5 : 11.5 };
      marks.push(label(`${key}row${n}`, left - 7, rows[n] + 4, short(name), style));
    });
  return marks;
}

export const short = (name) => (name.length > 6 ? `${name.slice(0, 5)}…` : name);

// A line up to a check; once its cell has finished it falls into the row. The number of points is always the same.
function way({ steps, finish }, check, { x, at }, row, every) {
  const head = Math.min(check, finish);
  return steps.map(({ middle }, k) => {
    const cx = x(Math.min(k, head) * every);
    if (k > head || k === finish) return [cx, finish <= check ? row : at(steps[head].middle)];
    return [cx, at(middle)];
  });
}

// where a cell's line ends at a check: in its row, or at its error
const standing = ({ steps, finish }, check, { at }, row) => (finish <= check ? row : at(steps[check].middle));

// heights for labels that stand near `wanted` without touching
export function apart(wanted, gap, lowest, highest = Number.NEGATIVE_INFINITY) {
  const order = wanted.map((_, n) => n).sort((a, b) => wanted[a] - wanted[b]);
  const found = [];
  let last = highest - gap;
  for (const n of order) {
    found[n] = Math.max(wanted[n], last + gap);
    last = found[n];
  }
  const over = Math.max(0, last - lowest);
  return found.map((y) => y - over);
}

export const tally = ({ ends, seeds }, check) => `${ends.filter((end) => end <= check).length} of ${seeds}`;

// the error while learning
export function alongUpdates(place, race, { check, n: chosen, ghost }, title) {
  const { x, at, rows, top, line, bottom } = place.along;
  const { every, lags } = race;
  const [left] = x.range;
  const cursor = x(check * every);
  const before = ghost === null ? "" : ` (dashed: ${place.wide ? "lag " : ""}${lags[ghost]})`;
  const marks = [
    label("rtitle", place.wide ? left : 0, top - 18, `${title}, lag ${lags[chosen]}${before}`),
    ...frame("r", place, place.along, race, !place.wide),
    ...(race.guess && place.wide
      ? [label("guess", x.range[1] - 16, at(race.guess) - 5, "always the same answer", END)]
      : []),
    mark("line", "check", { class: "ra-cursor", x1: cursor, x2: cursor, y1: top, y2: bottom }),
  ];
  const all = race.cells.map(({ courses }) => courses[chosen]);
  all.forEach(({ raced, steps }, n) => {
    if (!raced) return;
    const edge = (side) => steps.map((_, k) => [x(Math.min(k, check) * every), at(steps[Math.min(k, check)][side])]);
    marks.push(band(`rband${n}`, edge("low"), edge("high"), { class: `ra-band ${HUES[n]}` }));
  });
  race.cells.forEach(({ courses }, n) => {
    if (ghost === null || !courses[ghost].raced) return;
    const points = way(courses[ghost], race.checks, place.along, rows[n], every);
    marks.push(curve(`ghost${n}`, points, { class: `ra-line ghost ${HUES[n]}` }));
  });
  const low = apart(
    all.map((one, n) => (one.raced && one.finish > check ? at(one.steps[check].middle) : -1e3 * (n + 1))),
    15,
    line - 6,
  );
  all.forEach((one, n) => {
    if (!one.raced) return marks.push(missing(n, place, race, chosen));
    const [cx, cy] = [x(Math.min(check, one.finish) * every), standing(one, check, place.along, rows[n])];
    marks.push(curve(`rline${n}`, way(one, check, place.along, rows[n], every), { class: `ra-line ${HUES[n]}` }));
    one.ends.forEach((end, k) => {
      const there = end <= check;
      const spot = { class: `ra-end ${HUES[n]}`, cx: x(Math.min(end, race.checks) * every), cy: rows[n] };
      marks.push(mark("circle", `end${n},${k}`, { ...spot, r: there ? 3 : 0 }));
    });
    marks.push(mark("circle", `head${n}`, { class: `ra-dot ${HUES[n]}`, cx, cy, r: 5.5 }));
    marks.push(...told(n, place, race, one, check, low[n]));
  });
  return marks;
}

const END = { "text-anchor": "end" };

// the longest lag before this one at which a cell was raced; none of its seeds solved it
export const failed = ({ courses }, lags, n) => lags[courses.slice(0, n).findLastIndex(({ raced }) => raced)];

// why there is no line
function missing(n, place, { cells, lags }, chosen) {
  const { x, rows } = place.along;
  const why = `${short(cells[n].name)}: not raced, none of its seeds solved lag ${failed(cells[n], lags, chosen)}`;
  const text = place.wide ? why : "not raced";
  const style = { class: `ra-name ${HUES[n]}`, "font-size": place.wide ? 12.5 : 11.5 };
  return label(`told${n}`, x.range[0] + 10, rows[n] + 4, text, style);
}

// what is said of a cell: beside its line, and in its row
function told(n, place, race, one, check, y) {
  const { x, rows } = place.along;
  const { every } = race;
  const done = one.ends.filter((end) => end <= check);
  const size = { "font-size": place.wide ? 12.5 : 11.5 };
  const marks = [];
  if (one.finish > check) {
    const text = `${short(race.cells[n].name)} ${fixed(one.steps[check].middle, 2)}`;
    marks.push(label(`rname${n}`, x(check * every) + 10, y + 4, text, { class: `ra-name ${HUES[n]}`, ...size }));
  }
  if (!done.length) return marks;
  const [first, last] = [x(done[0] * every), x(done.at(-1) * every)];
  const [left, right] = x.range;
  const after = first < (left + right) / 2;
  const share = done.length === one.seeds ? "" : ` (${tally(one, check)})`;
  const text =
    one.finish > check
      ? `${tally(one, check)} seeds`
      : `${count(one.finish * every)}${place.wide ? " updates" : ""}${share}`;
  const who = place.wide ? `${short(race.cells[n].name)}: ` : "";
  marks.push(
    label(`told${n}`, after ? last + 10 : first - 10, rows[n] + 4, who + text, {
      class: `ra-name on ${HUES[n]}`,
      "text-anchor": after ? "start" : "end",
      ...size,
    }),
  );
  return marks;
}
