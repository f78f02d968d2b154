// Variants that are pointed at stand out in a chart: the others fade.
//
// Only a class of Plotly's own groups changes, so nothing is drawn anew; Plotly binds each group to its trace.

const GROUPS = ".cartesianlayer g.trace, .cartesianlayer g.hm";

/** Let only these variants stand out in Plotly's node; all of them alike if `variants` is empty. */
export function feature(node, variants) {
  for (const group of node.querySelectorAll(GROUPS)) {
    const own = group.__data__?.[0]?.trace?.meta?.variant;
    const faded = variants.length > 0 && own !== undefined && !variants.includes(own);
    if (group.classList.contains("nv-faded") !== faded) group.classList.toggle("nv-faded", faded);
  }
}

/** The variants that a text names, by their labels; {label: variant} are those there are. */
export function named(text, labels) {
  const parts = text.toLowerCase().split(/,| → /).map((part) => part.trim());
  return parts.map((part) => labels[part] ?? (part.startsWith("without") ? "none" : undefined)).filter(Boolean);
}
