// A link to a state: #<id>?<control>=<value>&…  The address of a page, and a link in its text, can set a figure's controls.

import { html, svg } from "./elements.js";

// the values of a query that the figure's controls accept
function accepted(controls, query) {
  const values = {};
  for (const [name, text] of new URLSearchParams(query)) {
    const { values: choices, type, min = -Infinity, max = Infinity, whole } = controls[name] ?? {};
    if (choices) {
      const choice = choices.find((value) => String(value) === text);
      if (choice !== undefined) values[name] = choice;
    } else if (type === "number") {
      const number = Number(text);
      if (text !== "" && number >= min && number <= max && (!whole || Number.isInteger(number))) values[name] = number;
    } else if (type === "string") values[name] = text;
  }
  return values;
}

// "#id?query" -> the query, if it is meant for this figure
const queryFor = (hash, id) => (hash.startsWith(`#${id}?`) ? hash.slice(id.length + 2) : null);

export function address(model, id) {
  const query = new URLSearchParams();
  for (const name of Object.keys(model.get("controls"))) query.set(name, model.get(name));
  return `#${id}?${query}`;
}

// Listen to the page's address and to links; offer a button that copies the figure's state. Returns what ends it.
export function stateLinks(view, el) {
  const { model } = view;
  const id = () => model.get("id");
  const restore = (hash) => {
    const query = queryFor(hash, id());
    if (query === null) return false;
    for (const [name, value] of Object.entries(accepted(model.get("controls"), query))) model.set(name, value);
    model.save_changes();
    const box = el.getBoundingClientRect();
    if (box.top < 0 || box.bottom > innerHeight) el.scrollIntoView({ block: "center" });
    return true;
  };
  const arrive = () => {
    if (location.hash === `#${id()}`)
      el.scrollIntoView({ block: "center" }); // it had no id when the page was loaded
    else restore(decodeURI(location.hash));
  };
  const follow = (event) => {
    const hash = event.target.closest?.("a[href]")?.hash ?? "";
    if (!hash.includes("?") || !restore(decodeURI(hash))) return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("click", follow, true);
  addEventListener("hashchange", arrive);
  if (el.dataset.figure && view.heading) {
    view.heading.after(copier(model, id));
    requestAnimationFrame(arrive);
  }
  return () => {
    document.removeEventListener("click", follow, true);
    removeEventListener("hashchange", arrive);
  };
}

// only a page has an address that opens it again
function copier(model, id) {
  const done = html("span", { class: "rf-hidden", "aria-live": "polite" });
  const chain =
    "M7 9.5a2.5 2.5 0 0 0 3.6 0l2-2a2.5 2.5 0 0 0-3.6-3.6l-.8.8M9 6.5a2.5 2.5 0 0 0-3.6 0l-2 2A2.5 2.5 0 0 0 7 12.1l.8-.8";
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round" };
  const icon = svg("path", { d: chain, ...line });
  const drawing = svg("svg", { viewBox: "0 0 16 16", width: 18, height: 18, "aria-hidden": "true" }, icon);
  const button = html("button", { type: "button", class: "rf-link", title: "Copy a link to this state" }, drawing);
  button.setAttribute("aria-label", "Copy a link to this state");
  button.addEventListener("click", async () => {
    history.replaceState(null, "", address(model, id()));
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      // a browser may forbid it; the link stands in the address bar
    }
    icon.setAttribute("d", "M3 8.5l3.2 3.2L13 4.5");
    done.textContent = "The link to this state is copied, and stands in the address bar.";
    setTimeout(() => icon.setAttribute("d", chain), 1500);
  });
  return html("span", { class: "rf-copy" }, button, done);
}
