// The search page: looks for each word of the query, or part of a word, in the sections of the book (search_text.py).
window.Search = null; // the theme asks whether Sphinx's own search is there

(() => {
  const results = document.querySelector("#search-results");
  const status = document.querySelector("#search-status");
  const field = document.querySelector(".bd-search-container input[name=q]");
  const MOST = 40;
  const AROUND = 90; // characters of an excerpt before and after the first hit

  // where an idea is explained comes before where it is used, and that before the names of the library
  const KINDS = [
    [/\/exercises\//, 0.2],
    [/\/api\//, 0.1],
    [/./, 1],
  ];
  const worth = (page) => KINDS.find(([kind]) => kind.test(page))[1];

  const count = (text, word) => text.split(word).length - 1;

  function find(words) {
    const found = [];
    for (const [page, title, heading, anchor, text] of window.bookText) {
      const [head, body] = [`${title} ${heading}`.toLowerCase(), text.toLowerCase()];
      if (!words.every((word) => head.includes(word) || body.includes(word))) continue;
      const weight = words.reduce((sum, word) => sum + 20 * count(head, word) + count(body, word), 0);
      found.push({ page, title, heading, anchor, text, weight: weight * worth(page) });
    }
    return found.sort((a, b) => b.weight - a.weight);
  }

  // the text around the first hit, with all hits marked
  function excerpt(text, words) {
    const low = text.toLowerCase();
    const at = Math.max(0, Math.min(...words.map((word) => low.indexOf(word)).filter((n) => n >= 0), text.length));
    const start = Math.max(0, (at === text.length ? 0 : at) - AROUND);
    const piece = text.slice(start, start + 2 * AROUND);
    const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
    const line = document.createElement("p");
    if (start) line.append("… ");
    piece.split(pattern).forEach((part, n) => {
      if (n % 2 === 0) return line.append(part);
      const hit = document.createElement("mark");
      hit.textContent = part;
      line.append(hit);
    });
    if (start + 2 * AROUND < text.length) line.append(" …");
    return line;
  }

  function show(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) {
      status.textContent = "";
      return results.replaceChildren();
    }
    const found = find(words);
    const list = document.createElement("ol");
    for (const { page, title, heading, anchor, text } of found.slice(0, MOST)) {
      const link = document.createElement("a");
      link.href = `${page}#${anchor}`;
      link.textContent = title.endsWith(heading) ? title : `${title} › ${heading}`;
      const item = document.createElement("li");
      item.append(link, excerpt(text, words));
      list.append(item);
    }
    const sections = found.length === 1 ? "1 section" : `${found.length} sections`;
    const more = found.length > MOST ? `, the first ${MOST} of them here` : "";
    status.textContent = found.length ? `Found in ${sections}${more}.` : `Nothing found for “${query}”.`;
    results.replaceChildren(list);
  }

  const query = new URLSearchParams(location.search).get("q") ?? "";
  field.value = query;
  field.addEventListener("input", () => show(field.value));
  show(query);
})();
