// The drawing of Race: the error at each lag, and the error while learning, over one axis of errors. Below the limit each cell
// has a row of its own, in which its runs come to rest.

import { band, curve, label, scale } from "./chart.js";
import { clamp, fixed } from "./elements.js";
import { mark } from "./stage.js";

export const count = (value) => value.toLocaleString("en");
export const amount = (value) => (value < 0.00095 ? "below 0.001" : fixed(value, value < 0.0995 ? 3 : 2));
export const HUES = ["first", "second", "third", "fourth"];

// ---- what was measured ----------------------------------------------------------------------------------------------

const held = (errors, check) => errors[Math.min(check, errors.length - 1)];

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// One cell at one lag: what its runs have reached at each check, and after how many checks they have finished. The whole has
// finished when more than half of them have.
function course(runs, limit, checks) {
  const steps = Array.from({ length: checks + 1 }, (_, check) => {
    const values = runs.map((errors) => held(errors, check));
    return { low: Math.min(...values), middle: median(values), high: Math.max(...values) };
  });
  const ends = runs.map((errors) => (errors.at(-1) < limit ? errors.length - 1 : Number.POSITIVE_INFINITY));
  const sorted = [...ends].sort((a, b) => a - b);
  return { steps, ends: sorted, finish: sorted[runs.length >> 1], seeds: runs.length };
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

export function layout(width, race) {
  const wide = width > 620;
  const { lags, checks, every } = race;
  const updates = checks * every;
  const ends = [lags[0] / 1.35, lags.at(-1) * 1.35];
  const left = 44;
  const split = wide ? Math.round(width * 0.37) : width - 8;
  const [margin, room] = wide ? [split + 52, 84] : [left, 74];
  const row = wide ? 20 : 15;
  const lagX = scale(ends, [left, split], { log: true, ticks: lags });
  const stepX = root(
    updates,
    [margin, width - room],
    [0, 0.05, 0.25, 0.5, 1].map((part) => Math.round(part * updates)),
  );
  const across = panel(lagX, wide ? [64, 176] : [54, 60], row, race);
  const along = panel(stepX, wide ? [64, 176] : [across.bottom + 54, 82], row, race);
  return { wide, width, updates, row, across, along, height: along.bottom + 22 };
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

const short = (name) => (name.length > 6 ? `${name.slice(0, 5)}…` : name);

// where a cell's line ends at a check: in its row, or at its error
const standing = ({ steps, finish }, check, { at }, row) => (finish <= check ? row : at(steps[check].middle));

// the error at each lag
export function acrossLags(place, race, { check, n: chosen }) {
  const { x, at, rows, top, bottom } = place.across;
  const [left] = x.range;
  const spot = x(race.lags[chosen]);
  const title = check
    ? `error at each lag, after ${count(check * race.every)} updates`
    : "error at each lag, untrained";
  const marks = [
    label("ltitle", place.wide ? left : 0, top - 18, title),
    ...frame("l", place, place.across, race, true),
    ...(race.guess && place.wide ? [label("guess", left + 5, at(race.guess) - 5, "always the same answer")] : []),
    mark("line", "lag", { class: "ra-cursor", x1: spot, x2: spot, y1: top, y2: bottom }),
  ];
  race.cells.forEach(({ courses }, n) => {
    const edge = (side) => courses.map(({ steps }, k) => [x(race.lags[k]), at(steps[check][side])]);
    marks.push(band(`lband${n}`, edge("low"), edge("high"), { class: `ra-band ${HUES[n]}` }));
  });
  race.cells.forEach(({ courses }, n) => {
    const points = courses.map((one, k) => [x(race.lags[k]), standing(one, check, place.across, rows[n])]);
    marks.push(curve(`lline${n}`, points, { class: `ra-line ${HUES[n]}` }));
    points.forEach(([cx, cy], k) =>
      marks.push(mark("circle", `ldot${n},${k}`, { class: `ra-dot ${HUES[n]}`, cx, cy, r: k === chosen ? 5 : 3.2 })),
    );
  });
  return marks;
}

// A line up to a check; once its cell has finished it falls into the row. The number of points is always the same.
function way({ steps, finish }, check, { x, at }, row, every) {
  const head = Math.min(check, finish);
  return steps.map(({ middle }, k) => {
    const cx = x(Math.min(k, head) * every);
    if (k > head || k === finish) return [cx, finish <= check ? row : at(steps[head].middle)];
    return [cx, at(middle)];
  });
}

// heights for labels that stand near `wanted` without touching
function apart(wanted, gap, lowest) {
  const order = wanted.map((_, n) => n).sort((a, b) => wanted[a] - wanted[b]);
  const found = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const n of order) {
    found[n] = Math.max(wanted[n], last + gap);
    last = found[n];
  }
  const over = Math.max(0, last - lowest);
  return found.map((y) => y - over);
}

const tally = ({ ends, seeds }, check) => `${ends.filter((end) => end <= check).length} of ${seeds}`;

// the error while learning
export function alongUpdates(place, race, { check, n: chosen, ghost }) {
  const { x, at, rows, top, line, bottom } = place.along;
  const { every, lags } = race;
  const [left] = x.range;
  const cursor = x(check * every);
  const before = ghost === null ? "" : ` (dashed: lag ${lags[ghost]})`;
  const marks = [
    label("rtitle", place.wide ? left : 0, top - 18, `error while learning, lag ${lags[chosen]}${before}`),
    ...frame("r", place, place.along, race, !place.wide),
    mark("line", "check", { class: "ra-cursor", x1: cursor, x2: cursor, y1: top, y2: bottom }),
  ];
  const all = race.cells.map(({ courses }) => courses[chosen]);
  all.forEach(({ steps }, n) => {
    const edge = (side) => steps.map((_, k) => [x(Math.min(k, check) * every), at(steps[Math.min(k, check)][side])]);
    marks.push(band(`rband${n}`, edge("low"), edge("high"), { class: `ra-band ${HUES[n]}` }));
  });
  if (ghost !== null)
    race.cells.forEach(({ courses }, n) => {
      const points = way(courses[ghost], race.checks, place.along, rows[n], every);
      marks.push(curve(`ghost${n}`, points, { class: `ra-line ghost ${HUES[n]}` }));
    });
  const running = all.map((one) => one.finish > check);
  const heads = all.map((one) => at(one.steps[check].middle));
  const low = apart(
    heads.map((y, n) => (running[n] ? y : -1e3 * (n + 1))),
    15,
    line - 6,
  );
  all.forEach((one, n) => {
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

// ---- in words -------------------------------------------------------------------------------------------------------

const list = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

// who is first, in a sentence for the picture; short on a phone
export function finding(race, { check, n }, wide) {
  const { cells, every, checks } = race;
  const all = cells.map(({ name, courses }) => ({ name, ...courses[n] }));
  const done = all.filter(({ finish }) => finish <= check).sort((a, b) => a.finish - b.finish);
  const open = all.filter(({ finish }) => finish > check);
  const when = check === checks ? `within ${count(check * every)} updates` : `after ${count(check * every)} updates`;
  if (!check) return "All start with weights drawn at random";
  if (!done.length) {
    const least = Math.min(...open.map(({ steps }) => steps[check].middle));
    const ahead = open.filter(({ steps }) => steps[check].middle === least).map(({ name }) => name);
    return `${check === checks ? "None solves it" : "None yet"} ${when}: ${list(ahead)} ahead, ${amount(least)}`;
  }
  const first = done.filter(({ finish }) => finish === done[0].finish).map(({ name }) => name);
  const start = `${list(first)} first: solved after ${count(done[0].finish * every)} updates`;
  if (!wide) return `${list(first)} first, after ${count(done[0].finish * every)} updates`;
  const later = done.slice(first.length).map(({ name, finish }) => `${name} ${count(finish * every)}`);
  const rest = open.length ? [`${list(open.map(({ name }) => name))} not ${when}`] : [];
  return [start, ...later, ...rest].join(", ");
}

// how many weights the cells have, where that is known
export function sizes({ cells }) {
  const all = cells.map(({ weights }) => weights).filter(Boolean);
  if (!all.length) return "";
  const [least, most] = [Math.min(...all), Math.max(...all)].map(count);
  return `${least === most ? least : `${least} to ${most}`} weights each`;
}

const SAID = { adding: "Adding", copy: "Delayed copy", own: "Your runs" };

export function summary(race, { check, n }) {
  const { cells, every, lags } = race;
  const each = cells.map(({ name, courses }) => {
    const one = courses[n];
    const done = one.ends.filter((end) => end <= check).map((end) => count(end * every));
    const range = done.length > 1 && done[0] !== done.at(-1) ? `${done[0]} to ${done.at(-1)}` : done[0];
    const solved = `${name} ${tally(one, check)} seeds solved`;
    return `${solved}${done.length ? ` (${range} updates)` : ""}${one.finish > check ? `, median error ${amount(one.steps[check].middle)}` : ""}`;
  });
  return `${SAID[race.task]}, lag ${lags[n]}, after ${count(check * every)} updates: ${each.join("; ")}.`;
}
