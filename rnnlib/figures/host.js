// The static page's host: gives each figure on the page a model and calls its render, with no kernel and no network.
//
// Every figure's script (UnrollStepper.js, … written by rnnlib.figures.sphinx_ext) leaves the source of its ES module and
// its usual state in window.rnnlibFigures, and every shipped file its content in window.rnnlibData. A page opened from
// disk may not import a module file, but it may import a Blob.
(() => {
  class Model {
    constructor(state) {
      this.state = state;
      this.listeners = new Map();
    }
    get(name) {
      return this.state[name];
    }
    set(name, value) {
      if (JSON.stringify(this.state[name]) === JSON.stringify(value)) return;
      this.state[name] = value;
      for (const callback of [...(this.listeners.get(`change:${name}`) ?? [])]) callback(this, value);
    }
    on(event, callback) {
      this.listeners.set(event, [...(this.listeners.get(event) ?? []), callback]);
    }
    off(event, callback) {
      const left = (this.listeners.get(event) ?? []).filter((other) => other !== callback);
      if (left.length) this.listeners.set(event, left);
      else this.listeners.delete(event);
    }
    save_changes() {} // there is no kernel to tell
  }

  const models = new Map(); // by the id that figures were given: those with the same one share a model
  const taken = new Map(); // how many figures of a class have the usual id

  // The state of a figure: what is usual for its class, what its output holds, and the content of what that names.
  function modelOf(el) {
    const own = JSON.parse(el.dataset.state);
    if (own.id && models.has(own.id)) return models.get(own.id);
    const state = { ...window.rnnlibFigures[el.dataset.figure].state, ...own };
    for (const name of (el.dataset.named ?? "").split(" ").filter(Boolean))
      if (typeof state[name] === "string") state[name] = window.rnnlibData[state[name]];
    if (!own.id) {
      const before = taken.get(state.id) ?? 0;
      taken.set(state.id, before + 1);
      if (before) state.id += `-${before + 1}`;
    }
    const model = new Model(state);
    models.set(state.id, model);
    return model;
  }

  async function mount(el) {
    const fallback = [...el.childNodes];
    try {
      const model = modelOf(el);
      const source = window.rnnlibFigures[el.dataset.figure].module;
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      const { default: figure } = await import(url);
      URL.revokeObjectURL(url);
      el.replaceChildren();
      if (!document.getElementById(model.get("id"))) el.id = model.get("id");
      // a theme may look through the whole page at every click, which a slow machine feels
      el.addEventListener("click", (event) => event.stopPropagation());
      const end = await figure.render({ model, el });
      el.addEventListener("rnnlib-remove", () => end?.(), { once: true });
      el.dataset.ready = "true";
    } catch (error) {
      el.replaceChildren(...fallback);
      console.error(`The figure ${el.dataset.figure} could not start.`, error);
    }
  }

  const start = () => document.querySelectorAll(".rnnlib-figure[data-figure]").forEach(mount);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
