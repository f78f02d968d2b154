// What is read on a page, by the eye or by a screen reader, except code and formulas in LaTeX, whose names stay.

() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement: one } = walker.currentNode;
    if (!one.closest("script, style, code, [data-testid=stCode], .katex, .nvl-languages") && one.checkVisibility()) found.push(data);
  }
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder], option")) {
    found.push(one.ariaLabel, one.title, one.placeholder, one.matches("option") && one.textContent);
  }
  return [...new Set(found.filter(Boolean).map((text) => text.trim()))];
}
