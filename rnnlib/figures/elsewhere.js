// Where else in a longer text a unit does what it does over the marked letters. See gate_microscope.py.

import { middle, search, survey } from "./microscope.js";
import { commonest } from "./words.js";

export class Elsewhere {
  // `free` is the reading of the text without a hold; `looked` is called on the way, `done` when the places are there
  constructor(view, machine, text, free, { looked, done }) {
    Object.assign(this, { view, machine, text, free, looked, done });
    this.surveyed = null; // what every unit does over the longer text, once that has been read
    this.progress = 0;
    this.places = null;
  }

  // { gate, unit, marked, read }, or null if no letters are marked: found places stay while the question is the same
  ask(question) {
    const key = question && JSON.stringify(question);
    if (key !== this.places?.key) this.places = null;
    if (!this.places) this.view.work("search", question ? this.seek(key, question) : [].values());
  }

  // above this value the unit is "on"; null before the text has been read
  threshold(gate, unit) {
    return this.surveyed && middle(this.surveyed.values(gate, unit));
  }

  *seek(key, { gate, unit, marked: [from, to] }) {
    const job = this.surveyed ? null : survey(this.machine, this.text);
    while (!this.surveyed) {
      const { done, value } = job.next();
      if (done) {
        this.surveyed = value;
        break;
      }
      const before = Math.floor(10 * this.progress);
      this.progress = value;
      if (Math.floor(10 * value) !== before) this.looked();
      yield;
    }
    while (!this.free.done) yield "frame";
    const values = this.surveyed.values(gate, unit);
    const starts = search(this.free.values(gate, unit).slice(from, to), values);
    const { text } = this.surveyed;
    this.places = { key, starts, values, text, common: commonest(starts, text) };
    this.done();
  }
}
