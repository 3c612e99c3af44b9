// Which earlier steps a loss's gradient comes from, by which path, during training. See gradient_highway.py.

import { label } from "./chart.js";
import { clamp, fixed, svg, visible } from "./elements.js";
import { Route } from "./flow.js";
import { against, directShare, highest, lane, layout, letters, percent, reach, share } from "./highway.js";
import { View } from "./view.js";

export { Route };

const LONGEST = 64;
const READ = ["text", "position", "snapshot", "networks"];

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("gh");
  const networks = model.get("networks");
  const { cells, updates, vocabulary } = networks;
  const index = new Map([...vocabulary].map((letter, k) => [letter, k]));
  const routes = new Map();
  const last = updates.length - 1;
  const route = (n, snapshot, ids) => {
    const key = `${n},${snapshot}`;
    if (!routes.has(key)) routes.set(key, new Route(vocabulary, cells[n], snapshot));
    const found = routes.get(key);
    found.read(ids);
    return found;
  };
  const known = () => {
    const all = [...model.get("text")].slice(0, LONGEST).filter((letter) => index.has(letter));
    return all.length ? all : [vocabulary[1]];
  };
  let first = 0; // the first letter that a phone shows; it stays while the reader drags
  let state = null;
  const read = () => {
    const text = known();
    const loss = clamp(model.get("position"), 0, text.length - 1) + 1;
    const snapshot = clamp(model.get("snapshot"), 0, last);
    const other = snapshot === 0 ? last : 0;
    const ids = [index.get("\n") ?? 0, ...text.map((letter) => index.get(letter))];
    const results = cells.map((_, n) => route(n, snapshot, ids).of(loss));
    const ghosts = cells.map((_, n) => route(n, other, ids).of(loss));
    const probe = loss - 1 - clamp(model.get("back"), 0, loss - 1);
    if (!view.dragging && (loss < first + 6 || loss > first + 27)) first = Math.max(0, loss - 24);
    state = { text, loss, snapshot, other, results, ghosts, probe };
  };
  read();
  let place = layout(900, state.text.length + 1, cells.length, first);
  const count = (snapshot) => `${updates[snapshot].toLocaleString("en")} updates`;
  const when = (snapshot) => (updates[snapshot] === 0 ? "at the start" : `after ${count(snapshot)}`);

  const stage = view.stage("The gradient on its way back, in each network", (width) => {
    place = layout(width, state.text.length + 1, cells.length, first);
    const { text, loss, results, ghosts, probe, other } = state;
    ring.setAttribute("x", -place.pitch / 2 - 1);
    ring.setAttribute("width", place.pitch + 2);
    const far = model.get("scale") === "far";
    const most = 1.02 * Math.max(1, ...[...results, ...ghosts].map(highest));
    const marks = [
      label("finding", 0, 16, finding(), {
        class: "gh-finding rf-strong",
        "font-size": place.wide ? 15 : place.width < 310 ? 11.5 : 13,
      }),
      ...cells.flatMap(({ name, kind }, n) =>
        lane(n, place, {
          name,
          gated: kind !== "RNN",
          result: results[n],
          ghost: ghosts[n],
          ghostName: last ? (other ? "trained" : "start") : "",
          far,
          probe,
          most,
          notes: notes(n),
        }),
      ),
      ...letters(place, text, loss),
    ];
    return {
      height: place.height,
      marks: [
        ...marks,
        {
          key: "lanes",
          node: lanes,
          attributes: { class: "rf-field", x: 0, y: place.top, width, height: place.height - place.top },
        },
        { key: "row", node: row, attributes: { class: "rf-field", x: 0, y: place.letters - 20, width, height: 28 } },
        {
          key: "probe",
          node: probeHandle,
          attributes: {
            transform: `translate(${place.x(clamp(probe, place.start, place.columns))},${place.height - 6})`,
          },
        },
        {
          key: "loss",
          node: lossHandle,
          attributes: { transform: `translate(${place.x(loss)},${place.letters - 5})` },
        },
      ],
    };
  });

  function finding() {
    const { results, ghosts, loss, other } = state;
    if (loss === 1) return "Nothing has been read before: the gradient ends here";
    const names = results.map((result, n) => `${cells[n].name} ${reach(result)}`).join(", ");
    if (!place.wide) return `A tenth from: ${names}`;
    const then = last ? ` (${when(other)}: ${ghosts.map(reach).join(", ")})` : "";
    return `A tenth or more arrives from this many steps back: ${names}${then}`;
  }
  function notes(n) {
    const { results, loss, text } = state;
    const { kind, typical } = cells[n];
    const direct = percent(directShare(results[n]));
    const letter = `expects ${visible(text[loss - 1])} with ${percent(results[n].p)}`;
    const below = model.get("scale") === "parts" && against(results[n]) ? "grey: a part against the whole; " : "";
    const bits = typical ? `${letter}; new text: ${fixed(typical[state.snapshot].bits)} bits a letter` : letter;
    if (!place.wide)
      return [
        { kind: "direct", text: kind === "RNN" ? "" : `direct ${direct}`, x: 44 },
        { kind: "gates", text: kind === "RNN" ? "all through weights" : "rest: gates", x: kind === "RNN" ? 44 : 130 },
        { kind: "more", text: place.width < 310 ? "" : `${visible(text[loss - 1])} ${percent(results[n].p)}`, x: 214 },
      ];
    return [
      { kind: "direct", text: kind === "RNN" ? "" : `direct path: ${direct}`, x: 54 },
      {
        kind: "gates",
        text: kind === "RNN" ? "all of it through the weights" : "rest: through the gates",
        x: kind === "RNN" ? 54 : 182,
      },
      { kind: "more", text: below + bits, x: 346 },
    ];
  }
  function summary() {
    const { results, loss, text, snapshot, probe } = state;
    const each = cells.map(({ name }, n) => `${name} ${share(results[n].norm[probe])}`).join(", ");
    const gated = cells.map(({ name, kind }, n) =>
      kind === "RNN" ? "" : `${name} ${percent(directShare(results[n]))}`,
    );
    const direct = gated.filter(Boolean).join(", ");
    return (
      `Loss at “${visible(text[loss - 1])}”, ${when(snapshot)}: ${loss - 1 - probe} steps back ${each} of the last state’s ` +
      `gradient.${direct ? ` Direct path, as a component along the whole: ${direct}.` : ""}`
    );
  }

  const put = (name, value) => value !== model.get(name) && view.set(name, value);
  const row = svg("rect");
  const lanes = svg("rect");
  const ring = svg("rect", { class: "gh-ring", y: -12, height: 24, rx: 5 });
  const lossHandle = view.handle(stage, {
    label: "Letter of the loss",
    names: READ,
    min: 0,
    max: () => state.text.length - 1,
    get: () => state.loss - 1,
    set: (position) => put("position", position),
    text: (position) => `letter ${position + 1}, “${state.text[position]}”`,
    shape: ring,
  });
  const moveLoss = (x) => put("position", clamp(place.at(x), 1, state.text.length) - 1);
  const focusLoss = { focus: () => lossHandle.focus({ preventScroll: true }), end: () => show() };
  view.drag(stage, lossHandle, moveLoss, focusLoss);
  view.drag(stage, row, moveLoss, focusLoss);
  const probeHandle = view.handle(stage, {
    label: "Steps back that are read off",
    names: [...READ, "back"],
    min: 0,
    max: () => state.loss - 1,
    get: () => state.loss - 1 - state.probe,
    set: (back) => put("back", back),
    text: (back) =>
      `${back} steps back: ${cells.map(({ name }, n) => `${name} ${share(state.results[n].norm[state.probe])}`).join(", ")}`,
    keys: {
      ArrowLeft: () => put("back", Math.min(state.loss - 1, state.loss - state.probe)),
      ArrowRight: () => put("back", Math.max(0, state.loss - 2 - state.probe)),
    },
    shape: svg("path", { class: "gh-tri", d: "M0,-9 L7,4 L-7,4 Z" }),
  });
  const moveProbe = (x) => put("back", clamp(state.loss - 1 - place.at(x), 0, state.loss - 1));
  const focusProbe = { focus: () => probeHandle.focus({ preventScroll: true }) };
  view.drag(stage, probeHandle, moveProbe, focusProbe);
  view.drag(stage, lanes, moveProbe, focusProbe);

  const scales = [
    ["parts", "parts that add up"],
    ["far", "far steps (log)"],
  ];
  const show = () => {
    read();
    stage.show({ moves: !view.dragging });
    view.say(summary());
  };
  view.body.append(
    stage.box,
    view.row(
      view.player("snapshot", { label: "Training", min: 0, max: () => last, every: 700, format: count }),
      view.text("text", { label: "Text", maxlength: LONGEST }),
      view.radios("scale", { label: "Axis", options: scales, hidden: true }),
    ),
  );
  view.follow(["text", "position", "snapshot", "networks", "back", "scale"], show);
  return () => view.dispose();
}

export default { render };
