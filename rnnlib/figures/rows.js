// Rows of attention that are changed, and what comes of it: pinned weights, the nearest states, the finding in words.

import { difference } from "./compare.js";
import { clamp } from "./elements.js";
import { percent, shownSign } from "./looking.js";

// A row of weights with some of them pinned, { position: weight }: the others share what is left in their own proportions.
// Pins that are more than 1 together are scaled to 1.
export function pinned(own, pins) {
  const kept = Object.entries(pins).filter(([j]) => Number(j) < own.length);
  if (!kept.length) return own;
  const others = own.length - kept.length;
  const held = kept.reduce((sum, [, weight]) => sum + weight, 0);
  const scale = held > 1 || !others ? 1 / (held || 1) : 1;
  const rest = Math.max(0, 1 - held * scale);
  const free = own.reduce((sum, weight, j) => (j in pins ? sum : sum + weight), 0);
  return own.map((weight, j) => {
    if (j in pins) return held || others ? pins[j] * scale : 1 / kept.length;
    return free > 1e-12 ? (weight / free) * rest : rest / others;
  });
}

// "8:6=0.9,7=0.1;12:3=1" -> Map { 8 => { 6: 0.9, 7: 0.1 }, 12 => { 3: 1 } }
export function parseEdits(text) {
  const edits = new Map();
  for (const [, step, pins] of text.matchAll(/(\d+):([\d=.,]+)/g)) {
    const held = {};
    for (const [, position, weight] of pins.matchAll(/(\d+)=(\d*\.?\d+)/g))
      held[position] = clamp(Number(weight), 0, 1);
    edits.set(Number(step), held);
  }
  return edits;
}

export const writeEdits = (edits) =>
  [...edits]
    .filter(([, pins]) => Object.keys(pins).length)
    .sort(([one], [other]) => one - other)
    .map(([step, pins]) => `${step}:${Object.entries(pins).map(([j, weight]) => `${j}=${weight}`)}`)
    .join(";");

// The states of the training set nearest to M_t, by Euclidean distance; table.m is unpacked.
export function nearestStates(table, m, count) {
  const { shape, data } = table.m;
  const [n, H] = shape;
  const distances = Array.from({ length: n }, (_, row) => {
    let sum = 0;
    for (let k = 0; k < H; k++) sum += (data[row * H + k] / 127 - m[k]) ** 2;
    return [sum, row];
  });
  return distances
    .sort(([one, a], [other, b]) => one - other || a - b)
    .slice(0, count)
    .map(([distance, row]) => ({ distance: Math.sqrt(distance), entry: table.entries[row] }));
}

export const words = (translator, moments) => translator.target.text(moments.map(({ symbol }) => symbol));
const quoted = (text) => `“${text}”`;

// what the picture says in one line, which has room for `room` letters
export function finding(state, room = 90) {
  const { after, before, step, symbols, edits, forced, moment } = state;
  const sign = after[step]?.sign ?? "";
  const top = moment ? moment.weights.indexOf(Math.max(...moment.weights)) : -1;
  if (top < 0) return "Type a date: nothing is known of these symbols";
  const looks = `For ${quoted(shownSign(sign))} it looks at ${quoted(symbols[top])}, ${percent(moment.weights[top])}`;
  if (!edits.size && !forced) return looks;
  const [was, is] = difference(
    before.map(({ sign: s }) => s),
    after.map(({ sign: s }) => s),
  );
  const how = edits.has(step)
    ? `Looking at ${quoted(symbols[top])}`
    : edits.size
      ? `With ${edits.size === 1 ? "one row" : `${edits.size} rows`} changed`
      : "Made to begin like this";
  if (was === is) return `${how}, it writes the same`;
  const most = room < 60 ? 9 : 16;
  const short = (text) => (text.length > most ? `${text.slice(0, most - 2)}…` : text.replace("∎", "") || "nothing");
  const told = `it writes ${quoted(short(is))}, not ${quoted(short(was))}`;
  return how.length + told.length + 2 > room ? told.replace("it", "It") : `${how}, ${told}`;
}
