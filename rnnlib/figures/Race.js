// RNN, GRU and LSTM with equally many weights learn a task: which is first, over which lag. See race.py.

import { label } from "./chart.js";
import { clamp, nearest, svg } from "./elements.js";
import { crossing } from "./crossing.js";
import { finding, sizes, summary } from "./outcome.js";
import { alongUpdates, count, layout, races } from "./track.js";
import { View } from "./view.js";

export { finding, races, summary };

const NAMES = { adding: "adding", copy: "delayed copy", own: "own" };

function render({ model, el }) {
  const view = new View({ model, el });
  view.form.classList.add("ra");
  const measured = model.get("measured");
  const tasks = Object.keys(measured.tasks).filter((task) => task in measured.rules.limit);
  const all = tasks.map((task) => races(measured, task));
  const read = () => {
    const race = all[Math.max(0, tasks.indexOf(model.get("task")))];
    return { race, n: nearest(race.lags, model.get("lag")), check: clamp(model.get("check"), 0, race.checks) };
  };
  let state = { ...read(), ghost: null };
  let place = layout(900, state.race, all.length);
  let from = null; // the lag before this drag

  const stage = view.stage("Updates until solved, and the error while learning", (width) => {
    const { race, n, check } = state;
    place = layout(width, race, all.length);
    const { crossing: left, along, wide } = place;
    const field = { class: "rf-field" };
    const words = finding(all, state, wide);
    const what = all.length > 1 ? NAMES[race.task] : "";
    const title = wide || !what ? `error while learning ${what}`.trim() : `error on ${what.replace("delayed ", "")}`;
    return {
      height: place.height,
      marks: [
        label("finding", 0, 16, words, { class: "ra-finding rf-strong", "font-size": wide ? 15 : 12.5 }),
        ...(width > 840 ? [label("sizes", width, 16, sizes(all), { "text-anchor": "end" })] : []),
        ...crossing(place, all, state),
        ...alongUpdates(place, race, state, title),
        {
          key: "lags",
          node: lagField,
          attributes: {
            ...field,
            x: left.left,
            y: left.foot + 4,
            width: left.right - left.left,
            height: left.bottom - left.foot + 14,
          },
        },
        {
          key: "updates",
          node: checkField,
          attributes: {
            ...field,
            x: along.x.range[0],
            y: along.top - 10,
            width: along.x.range[1] - along.x.range[0],
            height: along.bottom - along.top + 28,
          },
        },
        {
          key: "laghandle",
          node: lag,
          attributes: { transform: `translate(${left.lags.places[n]},${left.foot + 10})` },
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
  const lagAt = (x) => setLag(nearest(place.crossing.lags.places, x));
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
    view.say(summary(all, state));
  });
  return () => view.dispose();
}

export default { render };
