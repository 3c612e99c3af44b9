// What Race says of its state, in words.

import { fixed } from "./elements.js";
import { count, failed, tally } from "./track.js";

const amount = (value) => (value < 0.00095 ? "below 0.001" : fixed(value, value < 0.0995 ? 3 : 2));
const list = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);
const TASKS = { adding: ["adding", "adding"], copy: ["delayed copy", "copy"] }; // on a phone the second one
const standings = ({ cells }, n) => cells.map(({ name, courses }) => ({ name, ...courses[n] }));

// who has solved the task first, and after how many updates; and which cells were raced
function first(race, { check, n }) {
  const raced = standings(race, n).filter(({ raced }) => raced);
  const least = Math.min(...raced.map(({ finish }) => finish));
  const names = raced.filter(({ finish }) => finish <= check && finish === least).map(({ name }) => name);
  return { names, updates: least * race.every, raced: raced.map(({ name }) => name) };
}

// who is first, in a sentence for the picture; short on a phone
export function finding(all, state, wide) {
  const { check } = state;
  if (!check) return "Nothing is learned yet";
  if (all.length < 2) return alone(all[0], state, wide);
  const found = all.map((race) => ({ task: TASKS[race.task][wide ? 0 : 1], ...first(race, state) }));
  const parts = found.map(({ task, names, updates, raced }, k) => {
    const where = wide ? `on ${task}` : task;
    if (!names.length) return `${where} none${check < all[0].checks ? " yet" : ""}`;
    if (!wide) return `${task} ${names.join("/")} (${count(updates)})`;
    const who = raced.length === 1 ? `only ${list(names)} raced` : list(names);
    return `${where} ${who} (${count(updates)}${k ? "" : " updates"})`;
  });
  const text = parts.join(", ");
  return wide && differ(found) ? `It depends: ${text}` : text[0].toUpperCase() + text.slice(1);
}

// whether the first of one task, raced on both, is not among the first of the other
function differ([one, other]) {
  const apart = (a, b) => a.names.length && a.names.every((name) => b.raced.includes(name) && !b.names.includes(name));
  return apart(one, other) && apart(other, one);
}

// of a single task: all cells in the order in which they have solved it
function alone(race, { check, n }, wide) {
  const { every, checks } = race;
  const raced = standings(race, n).filter(({ raced }) => raced);
  const done = raced.filter(({ finish }) => finish <= check).sort((a, b) => a.finish - b.finish);
  const open = raced.filter(({ finish }) => finish > check);
  const when = check === checks ? `within ${count(check * every)} updates` : `after ${count(check * every)} updates`;
  if (!done.length) {
    const least = Math.min(...open.map(({ steps }) => steps[check].middle));
    const ahead = open.filter(({ steps }) => steps[check].middle === least).map(({ name }) => name);
    return `${check === checks ? "None solves it" : "None yet"} ${when}: ${list(ahead)} ahead, ${amount(least)}`;
  }
  const { names, updates } = first(race, { check, n });
  if (!wide) return `${list(names)} first, after ${count(updates)} updates`;
  const later = done.slice(names.length).map(({ name, finish }) => `${name} ${count(finish * every)}`);
  const rest = open.length ? [`${list(open.map(({ name }) => name))} not ${when}`] : [];
  return [`${list(names)} first: solved after ${count(updates)} updates`, ...later, ...rest].join(", ");
}

// how many weights the cells have, where that is known
export function sizes(all) {
  const weights = all.flatMap(({ cells }) => cells.map(({ weights }) => weights)).filter(Boolean);
  if (!weights.length) return "";
  const [least, most] = [Math.min(...weights), Math.max(...weights)].map(count);
  return `${least === most ? least : `${least} to ${most}`} weights each`;
}

const SAID = { adding: "Adding", copy: "Delayed copy", own: "Your runs" };

// what a screen reader is told: of the chosen task each cell, of the other the medians
export function summary(all, { race, check, n }) {
  const { cells, every, lags } = race;
  const each = cells.map((cell) => {
    const one = cell.courses[n];
    if (!one.raced) return `${cell.name} not raced (none at lag ${failed(cell, lags, n)})`;
    const done = one.ends.filter((end) => end <= check).map((end) => count(end * every));
    const range = done.length > 1 && done[0] !== done.at(-1) ? `${done[0]} to ${done.at(-1)}` : done[0];
    const after = done.length ? ` (at ${range})` : "";
    return `${cell.name} ${tally(one, check)}${after}${one.finish > check ? `, median error ${amount(one.steps[check].middle)}` : ""}`;
  });
  const others = all
    .filter((other) => other !== race)
    .map((other) => {
      const { names, updates } = first(other, { check, n });
      return ` ${SAID[other.task]}: ${names.length ? `${list(names)} first (${count(updates)})` : "none"}.`;
    });
  const start = `${SAID[race.task]}, lag ${lags[n]}, ${count(check * every)} updates; seeds solved: `;
  return `${start}${each.join("; ")}.${others.join("")}`;
}
