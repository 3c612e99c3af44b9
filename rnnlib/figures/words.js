// What the microscope says in words: in the picture, and to a screen reader.

import { fixed, visible } from "./elements.js";
import { GATE_NAMES, likely } from "./slide.js";

const percent = (p) => `${Math.round(100 * p)} %`;

// the character whose probability changes most
function changed(p, free) {
  const change = p.map((share, k) => Math.abs(share - free[k]));
  const most = Math.max(...change);
  return { k: change.indexOf(most), most };
}

// what the hold changes most, in words for the picture
export function findingOf(machine, free, p, held) {
  const best = likely(free, p, 1)[0];
  if (!held) return `Expected next: ${visible(machine.characters[best.k])} ${percent(best.p)}`;
  const { k, most } = changed(p, free);
  const verb = most < 0.005 ? "stays at" : p[k] < free[k] ? "falls to" : "rises to";
  const from = most < 0.005 ? "" : `, from ${percent(free[k])}`;
  return `Held: ${visible(machine.characters[k])} ${verb} ${percent(p[k])}${from}`;
}

// the heading of the places found, in two lines
export function headings({ wide }, marked, places, progress) {
  if (!marked) return ["Where else does it do this?", "Mark letters: drag over them, or shift + →"];
  if (!places) return ["Where else does it do this?", `reading the longer text: ${percent(progress)}`];
  const count = places.starts.length;
  const begins = places.common ? `, ${places.common[1]} begin with ${visible(places.common[0])}` : "";
  if (!wide) return [`${count} such places${begins}`];
  const length = places.text.length.toLocaleString("en");
  return [`It does the same in ${count === 1 ? "1 place" : `${count} places`}`, `of ${length} letters${begins}`];
}

// the summary: what is expected after what has been read, and what the hold changes in it
export function sentence(machine, { read, p, free, held, gate, unit, value, places }) {
  const after = `After “…${read.replaceAll("\n", "⏎")}”`;
  const it = `${GATE_NAMES[gate]} of unit ${unit}`;
  const also = places ? ` Like the marked letters: ${places.starts.length} places.` : "";
  const name = (k) => `the network expects “${visible(machine.characters[k])}” with ${percent(p[k])}`;
  if (!held) return `${after} ${name(likely(free, p, 1)[0].k)}; the ${it} is at ${fixed(value, 2)}.${also}`;
  const { k, most } = changed(p, free);
  const effect = most < 0.005 ? "no expectation changes" : `${name(k)}, not ${percent(free[k])}`;
  return `${after}, with the ${it} held at ${fixed(held.value, 2)}, ${effect}.${also}`;
}

// the letter with which most of the places begin, and how many do
export function commonest(starts, text) {
  const counts = new Map();
  for (const start of starts) counts.set(text[start], (counts.get(text[start]) ?? 0) + 1);
  const best = [...counts].sort((one, two) => two[1] - one[1])[0];
  return best && best[1] > starts.length / 4 ? best : null;
}
