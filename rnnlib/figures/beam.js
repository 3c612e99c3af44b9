// Beam search for one source: rnnlib.seq2seq.beam_tree for the page.

import { BOS, EOS } from "./seq2seq.js";

// The `count` largest of the sums, largest first; of equal ones the first.
function largest(rows, count) {
  const all = [];
  rows.forEach((sums, row) =>
    sums.forEach((sum, symbol) => {
      if (sum > -Infinity) all.push({ row, symbol, sum });
    }),
  );
  return all.sort((one, two) => two.sum - one.sum || one.row - two.row || one.symbol - two.symbol).slice(0, count);
}

// Grows a tree; yields after each step. steps[t] lists the branches of step t, those that were kept first:
//   { parent (its place in steps[t − 1]), symbol, ids, logP, p (of its symbol alone), kept, ended }
export const growing = function* (translator, memory, { width, prefix = [], pruned = width, limit = 120 }) {
  const tree = { steps: [], finished: [], done: false };
  let live = [{ ids: [], place: -1, logP: 0, state: memory.state }];
  for (let t = 0; t < limit && live.length; t++) {
    const moments = live.map(({ ids, state }) => translator.step(ids.at(-1) ?? BOS, state, memory));
    const allowed = (k) => (t < prefix.length ? k === prefix[t] : t === limit - 1 ? k === EOS : k >= EOS);
    const sums = moments.map(({ p }, row) =>
      p.map((share, k) => (allowed(k) ? live[row].logP + Math.log(share) : -Infinity)),
    );
    const places = width - tree.finished.length;
    const after = [];
    const branches = largest(sums, places + pruned).map(({ row, symbol, sum }, place) => {
      const { ids, place: parent } = live[row];
      const [kept, ended] = [place < places, symbol === EOS];
      const branch = { parent, symbol, ids: [...ids, symbol], logP: sum, p: moments[row].p[symbol], kept, ended };
      if (kept && ended) tree.finished.push(branch);
      else if (kept) after.push({ ids: branch.ids, place, logP: sum, state: moments[row].state });
      return branch;
    });
    tree.steps.push(branches);
    live = after;
    tree.done = !live.length;
    yield tree;
  }
  tree.done = true;
  return tree;
};

// the same at once
export function grow(translator, memory, options) {
  let tree = null;
  for (tree of growing(translator, memory, options));
  return tree;
}

export const scoreOf = ({ logP, ids }, penalty) => logP / ids.length ** penalty;

// what has ended, best first
export const ranked = (finished, penalty) =>
  finished.map((branch) => ({ ...branch, score: scoreOf(branch, penalty) })).sort((one, two) => two.score - one.score);
