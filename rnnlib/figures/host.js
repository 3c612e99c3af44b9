// The static page's host: gives each figure on the page a model and calls its render, with no kernel and no network.
//
// Every figure's script (UnrollStepper.js, … written by rnnlib.figures.sphinx_ext) leaves the source of its ES module in
// window.rnnlibFigures. A page opened from disk may not import a module file, but it may import a Blob.
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
      this.listeners.set(
        event,
        (this.listeners.get(event) ?? []).filter((other) => other !== callback),
      );
    }
    save_changes() {} // there is no kernel to tell
  }

  async function mount(el) {
    const fallback = [...el.childNodes];
    try {
      const source = window.rnnlibFigures[el.dataset.figure];
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      const { default: figure } = await import(url);
      URL.revokeObjectURL(url);
      el.replaceChildren();
      await figure.render({ model: new Model(JSON.parse(el.dataset.state)), el });
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
