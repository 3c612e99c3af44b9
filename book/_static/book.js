// What scrolls sideways must be reachable by keyboard: an equation, a table or an output that is wider than the page
// becomes a focusable, named group, and stops being one when there is room again.
(() => {
  const selector = 'mjx-container[display="true"], .cell_output > .output, .drawing, .pst-scrollable-table-container';
  const label = "scrolls sideways";

  function update(element) {
    if (element.scrollWidth <= element.clientWidth && element.classList.contains("drawing")) {
      element.removeAttribute("tabindex");
      return;
    }
    if (element.scrollWidth > element.clientWidth) {
      element.tabIndex = 0;
      if (element.hasAttribute("role")) return; // a drawing keeps its name
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", label);
    } else if (element.getAttribute("aria-label") === label) {
      for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
    }
  }

  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => update(entry.target)));

  function watch(root) {
    if (root.matches(selector)) sizes.observe(root);
    root.querySelectorAll(selector).forEach((element) => sizes.observe(element));
  }

  // equations appear when MathJax has set them, figures when they are drawn
  const additions = new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node instanceof Element) watch(node);
  });

  additions.observe(document.body, { childList: true, subtree: true });
  watch(document.body);
})();
