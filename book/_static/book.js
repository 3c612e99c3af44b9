// What scrolls sideways must be reachable by keyboard: an equation that is wider than the page becomes a
// focusable, named region, and stops being one when there is room again.
(() => {
  const selector = 'mjx-container[display="true"], .cell_output > .output, .pst-scrollable-table-container';

  function update(element) {
    if (element.scrollWidth > element.clientWidth + 1) {
      element.tabIndex = 0;
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", "scrolls sideways");
    } else if (element.getAttribute("aria-label") === "scrolls sideways") {
      for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
    }
  }

  function watch() {
    const observer = new ResizeObserver((entries) => entries.forEach((entry) => update(entry.target)));
    document.querySelectorAll(selector).forEach((element) => {
      update(element);
      observer.observe(element);
    });
  }

  window.addEventListener("load", () => {
    const typeset = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    Promise.resolve(typeset).then(watch);
  });
})();
