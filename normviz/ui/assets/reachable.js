// What scrolls by itself can be scrolled with the keyboard.
//
// A wide formula or table scrolls sideways inside the page.  Not every browser lets the arrow keys get there,
// so whatever really is wider than its place becomes a stop for the Tab key, with a name.

import { t } from "./words.js";

const SCROLLERS = [
  [".katex-display", () => t("Formula")],
  ['[data-testid="stTable"] > *', () => t("Table")],
];

/** Keep what scrolls inside the page within reach, until the signal ends. */
export function reachable(signal) {
  let due = 0;
  const soon = () => (due ||= setTimeout(() => ((due = 0), look()), 200));
  const sizes = new ResizeObserver(soon);
  const seen = new WeakSet();
  const look = () => {
    if (signal.aborted) return;
    for (const [selector, name] of SCROLLERS) {
      for (const one of document.querySelectorAll(selector)) {
        if (!seen.has(one)) {
          seen.add(one);
          sizes.observe(one);
        }
        reach(one, one.scrollWidth > one.clientWidth + 1, name());
      }
    }
  };
  const changes = new MutationObserver((records) => {
    if (records.some(({ target }) => !target.closest(".nv-stage"))) soon(); // charts change all the time
  });
  changes.observe(document.querySelector('[data-testid="stMain"]') ?? document.body, { childList: true, subtree: true });
  signal.addEventListener("abort", () => {
    changes.disconnect();
    sizes.disconnect();
    clearTimeout(due);
  });
  soon();
}

function reach(node, scrolls, name) {
  if (scrolls === (node.tabIndex === 0)) return;
  if (scrolls) {
    node.tabIndex = 0;
    node.setAttribute("role", "group");
    node.setAttribute("aria-label", name);
  } else {
    for (const attribute of ["tabindex", "role", "aria-label"]) node.removeAttribute(attribute);
  }
}
