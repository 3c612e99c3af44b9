// RNN, GRU and LSTM with equally many weights learn a task: which is first, over which lag. See race.py.

import { label } from "./chart.js";
import { clamp, nearest, svg } from "./elements.js";
import { acrossLags, alongUpdates, count, finding, layout, races, sizes, summary } from "./track.js";
import { View } from "./view.js";

export { finding, races, summary };

const NAMES = { adding: "adding", copy: "delayed copy", own: "own" };

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("ra");
  const measured = model.get("measured");
  const tasks = Object.keys(measured.tasks).filter((task) => task in measured.rules.limit);
  const known = new Map();
  const raceOf = (task) => {
    if (!known.has(task)) known.set(task, races(measured, task));
    return known.get(task);
  };
  const read = () => {
    const task = tasks.includes(model.get("task")) ? model.get("task") : tasks[0];
    const race = raceOf(task);
    return { race, n: nearest(race.lags, model.get("lag")), check: clamp(model.get("check"), 0, race.checks) };
  };
  let state = { ...read(), ghost: null };
  let place = layout(900, state.race);
  let from = null; // the lag before this drag

  const stage = view.stage("The error of each cell, over the lag and over the updates", (width) => {
    const { race, n, check } = state;
    place = layout(width, race);
    const { across, along, wide } = place;
    const area = ({ x, top, bottom }) => ({
      class: "rf-field",
      x: x.range[0],
      y: top - 10,
      width: x.range[1] - x.range[0],
      height: bottom - top + 28,
    });
    const words = finding(race, state, wide);
    return {
      height: place.height,
      marks: [
        label("finding", 0, 16, words, { class: "ra-finding rf-strong", "font-size": wide ? 15 : 12.5 }),
        ...(width > 840 ? [label("sizes", width, 16, sizes(race), { "text-anchor": "end" })] : []),
        ...acrossLags(place, race, state),
        ...alongUpdates(place, race, state),
        { key: "lags", node: lagField, attributes: area(across) },
        { key: "updates", node: checkField, attributes: area(along) },
        {
          key: "laghandle",
          node: lag,
          attributes: { transform: `translate(${across.x(race.lags[n])},${across.top})` },
        },
        {
          key: "checkhandle",
          node: cursor,
          attributes: { transform: `translate(${along.x(check * race.every)},${along.top})` },
        },
      ],
    };
  });

  const put = (name, value) => value !== model.get(name) && view.set(name, value);
  const setLag = (n) => put("lag", state.race.lags[clamp(n, 0, state.race.lags.length - 1)]);
  const setCheck = (check) => put("check", clamp(Math.round(check), 0, state.race.checks));
  const shape = () => [
    svg("circle", { class: "rf-knob", r: 9 }),
    svg("path", { class: "ra-grip", d: "M-2,-3.5 L-5.5,0 L-2,3.5 M2,-3.5 L5.5,0 L2,3.5" }),
  ];
  const lag = view.handle(stage, {
    label: "Lag",
    names: ["lag", "task"],
    min: 0,
    max: () => state.race.lags.length - 1,
    get: () => state.n,
    set: setLag,
    text: (n) => `${state.race.lags[n]} steps`,
    shape: shape(),
  });
  const cursor = view.handle(stage, {
    label: "Updates",
    twin: false,
    names: ["check", "task"],
    min: 0,
    max: () => state.race.checks,
    get: () => state.check,
    set: setCheck,
    text: (check) => `${count(check * state.race.every)} updates`,
    shape: shape(),
  });
  const focus = (handle) => ({
    focus: () => handle.focus({ preventScroll: true }),
    end: () => (from = null),
  });
  const lagAt = (x) => setLag(nearest(state.race.lags.map(place.across.x), x));
  const checkAt = (x) => setCheck(place.along.x.invert(x) / state.race.every);
  const [lagField, checkField] = [svg("rect"), svg("rect")];
  for (const node of [lag, lagField]) view.drag(stage, node, lagAt, focus(lag));
  for (const node of [cursor, checkField]) view.drag(stage, node, checkAt, focus(cursor));

  const { checks, every } = state.race;
  const controls = [
    view.player("check", {
      label: "Race",
      min: 0,
      max: () => checks,
      every: 70,
      format: (check) => `${count(check * every)} updates`,
    }),
  ];
  if (tasks.length > 1)
    controls.push(view.radios("task", { label: "Task", hidden: true, options: tasks.map((t) => [t, NAMES[t]]) }));
  view.body.append(stage.box, view.row(...controls));
  view.follow(["task", "lag", "check"], () => {
    const old = state;
    const next = read();
    const sameTask = next.race === old.race;
    let { ghost } = old;
    if (!sameTask) ghost = null;
    else if (next.n !== old.n) {
      from ??= old.n;
      ghost = view.dragging ? from : old.n;
      if (!view.dragging) from = null;
    }
    state = { ...next, ghost: ghost === next.n ? null : ghost };
    const still = sameTask && next.n === old.n && Math.abs(next.check - old.check) === 1; // a running race
    stage.show({ moves: !view.dragging && !still });
    view.say(summary(state.race, state));
  });
  return () => view.dispose();
}

export default { render };
