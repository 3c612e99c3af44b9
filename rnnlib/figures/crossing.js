// The left half of Race: after how many updates each cell has solved the two tasks, and which lags it has solved.

import { band, curve, label } from "./chart.js";
import { mark } from "./stage.js";
import { apart, count, HUES, short } from "./track.js";

const NAMES = { adding: ["adding", "adding"], copy: ["delayed copy", "copy"] }; // on a phone the second one

// What stands side by side: the tasks at this lag, or, of a single task, the lags.
export function columnsOf(all, { n }) {
  if (all.length > 1)
    return all.map((race) => ({
      names: NAMES[race.task],
      race,
      courses: race.cells.map((c) => c.courses[n]),
    }));
  const [race] = all;
  return race.lags.map((_, k) => ({ race, courses: race.cells.map(({ courses }) => courses[k]) }));
}

// the height of a number of checks: over all of them lies the zone of what was not solved
function heights({ pace, top, zone }, { check }, { checks, every }) {
  return (end) => {
    const at = Math.min(end, check);
    if (end > checks && check >= checks) return top + zone / 2;
    return pace(Math.max(every, at * every));
  };
}

// the runs of one cell in all columns in which it was raced: a band over the seeds, the medians, and a point for each seed
function lane(n, columns, places, state, crossing) {
  const found = columns
    .map(({ courses, race }, k) => ({ one: courses[n], at: heights(crossing, state, race), x: places[k], k }))
    .filter(({ one }) => one.raced);
  const edge = (k) => found.map(({ one, at, x }) => [x, at(one.ends.at(k))]);
  const middle = found.map(({ one, at, x }) => [x, at(one.finish)]);
  const below = [band(`cband${n}`, edge(0), edge(-1), { class: `ra-band ${HUES[n]}` })];
  const above = [curve(`cline${n}`, middle, { class: `ra-line ${HUES[n]}` })];
  for (const { one, at, x, k } of found) {
    one.ends.forEach((end, seed) => {
      const spot = { class: `ra-end ${HUES[n]}`, cx: x, cy: at(end), r: 3 };
      above.push(mark("circle", `cseed${n},${k},${seed}`, spot));
    });
    const kind = one.finish <= state.check ? "ra-dot" : "ra-dot open";
    above.push(mark("circle", `cdot${n},${k}`, { class: `${kind} ${HUES[n]}`, cx: x, cy: at(one.finish), r: 5.5 }));
  }
  return found.length ? { below, above } : { below: [], above: [] };
}

// the names and numbers at the two sides
function sides(columns, crossing, state, wide) {
  const { columns: places, top, foot } = crossing;
  const marks = [];
  columns.forEach(({ names, courses, race }, k) => {
    const at = heights(crossing, state, race);
    const wanted = courses.map(({ raced, finish }) => (raced ? at(finish) : top + crossing.zone / 2));
    const y = apart(wanted, wide ? 15 : 14, foot + 2, top + 8);
    const out = k ? { x: 11, "text-anchor": "start" } : { x: -11, "text-anchor": "end" };
    courses.forEach((one, n) => {
      const result = one.finish <= state.check ? ` ${count(one.finish * race.every)}` : one.raced ? "" : " –";
      const style = { class: `ra-name ${HUES[n]}`, "text-anchor": out["text-anchor"], "font-size": wide ? 12.5 : 11.5 };
      marks.push(label(`cname${n},${k}`, places[k] + out.x, y[n] + 4, short(race.cells[n].name) + result, style));
    });
    const chosen = race === state.race ? "ra-task chosen" : "ra-task";
    marks.push(
      label(`ctask${k}`, places[k], top - 8, names[wide ? 0 : 1], {
        class: chosen,
        "text-anchor": "middle",
        "font-size": 12.5,
      }),
    );
  });
  return marks;
}

// which lags the cells have solved: a point if more than half of the seeds have, a ring if not
function solved(place, race, { check, n: chosen }) {
  const { lags, rows, foot, bottom, left } = place.crossing;
  const spot = lags.places[chosen];
  const size = place.wide ? 12.5 : 11.5;
  const marks = [
    mark("line", "lag", { class: "ra-cursor", x1: spot, x2: spot, y1: foot + 10, y2: bottom }),
    label("lagname", left - 7, bottom + 14, "lag", { "text-anchor": "end" }),
  ];
  race.lags.forEach((lag, k) =>
    marks.push(label(`lag${lag}`, lags.places[k], bottom + 14, count(lag), { "text-anchor": "middle" })),
  );
  race.cells.forEach(({ name, courses }, n) => {
    const style = { class: `ra-name ${HUES[n]}`, "text-anchor": "end", "font-size": size };
    marks.push(label(`lrow${n}`, left - 7, rows[n] + 4, short(name), style));
    courses.forEach((one, k) => {
      const [cx, cy] = [lags.places[k], rows[n]];
      const kind = one.finish <= check ? "ra-dot" : "ra-dot open";
      marks.push(mark("circle", `ldot${n},${k}`, { class: `${kind} ${HUES[n]}`, cx, cy, r: one.raced ? 5 : 1.2 }));
    });
  });
  return marks;
}

// the lines behind it: on a phone without numbers, which stand beside the points
function ground(place, several) {
  const { pace, top, zone, foot, left, right, columns, rows, bottom, row } = place.crossing;
  const start = place.wide ? left : 0;
  const middle = { class: "rf-soft", "text-anchor": "middle" };
  const edge = { class: "ra-solved", "text-anchor": "end" };
  const [x, style] = place.wide ? [left - 7, edge] : [(columns[0] + columns.at(-1)) / 2, middle];
  const height = bottom - rows[0] + row / 2 + 2;
  const marks = [
    mark("rect", "czone", { class: "ra-zone", x: start, width: right - start, y: top, height: zone }),
    mark("rect", "lzone", { class: "ra-zone", x: left, width: right - left, y: bottom - height, height }),
    label("cnot", x, top + zone / 2 + 4, "unsolved", style),
  ];
  for (const tick of place.wide ? pace.ticks : [])
    marks.push(
      mark("line", `cy${tick}`, { class: "rf-grid", x1: left, x2: right, y1: pace(tick), y2: pace(tick) }),
      label(`cyt${tick}`, left - 7, pace(tick) + 4, count(tick), { "text-anchor": "end" }),
    );
  for (const [k, at] of several ? columns.entries() : [])
    marks.push(mark("line", `cx${k}`, { class: "ra-axis", x1: at, x2: at, y1: top, y2: foot }));
  return marks;
}

// the whole left half
export function crossing(place, all, state) {
  const { wide, crossing: own } = place;
  const { race, n } = state;
  const columns = columnsOf(all, state);
  const title = all.length > 1 ? `updates until solved, lag ${race.lags[n]}` : "updates until solved, at each lag";
  const lanes = race.cells.map((_, k) => lane(k, columns, own.columns, state, own));
  return [
    label("ctitle", wide ? own.left : 0, wide ? 46 : 34, title),
    ...ground(place, all.length > 1),
    ...lanes.flatMap(({ below }) => below),
    ...lanes.flatMap(({ above }) => above),
    ...(all.length > 1 ? sides(columns, own, state, wide) : []),
    ...solved(place, race, state),
  ];
}
