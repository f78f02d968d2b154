// The one legend of a stage: each variant's colour, dash, marker and name; a click hides it everywhere.

import { element, vector } from "./elements.js";
import { t } from "./words.js";

const DASHES = { solid: "", dot: "2 3", dash: "7 4", longdash: "11 4", dashdot: "7 3 2 3", longdashdot: "11 3 2 3" };

/** Plotly's marker symbols used by the variants, around the origin: a path, and whether it is only outlined. */
const SYMBOLS = {
  circle: "M4 0A4 4 0 1 1-4 0A4 4 0 1 1 4 0",
  square: "M-3.6-3.6h7.2v7.2h-7.2z",
  diamond: "M0-5L5 0 0 5-5 0z",
  "triangle-up": "M0-4.6L4.6 3.4h-9.2z",
  "triangle-down": "M0 4.6L4.6-3.4h-9.2z",
  star: "M0-5.2L1.3-1.7 5-1.6 2 .7 3.1 4.2 0 2.1-3.1 4.2-2 .7-5-1.6-1.3-1.7z",
  hexagon: "M0-4.8L4.2-2.4v4.8L0 4.8-4.2 2.4v-4.8z",
  cross: "M-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
  "x-thin": "M-3.6-3.6L3.6 3.6M-3.6 3.6L3.6-3.6",
};

/** The variants that a set of figures shows, in order. */
export function variantsOf(figures) {
  return [...new Set(figures.flatMap(({ data }) => data.map(({ meta }) => meta?.variant).filter(Boolean)))];
}

export class Legend {
  /**
   * @param onchange told the set of hidden variants
   * @param onpoint told {variants} that are pointed at, or null
   */
  constructor(onchange, onpoint) {
    this.onchange = onchange;
    this.onpoint = onpoint;
    this.hidden = new Set();
    this.root = element("div", { className: "nv-legend", role: "group", "aria-label": t("Variants") });
  }

  /** @param styles for each variant {colour, dash, symbol, label} */
  set(variants, styles) {
    this.root.hidden = variants.length === 0;
    const entries = variants.map((variant) => this.#entry(variant, styles[variant] ?? { label: variant }));
    this.root.replaceChildren(...entries);
  }

  #entry(variant, style) {
    const entry = element(
      "button",
      {
        type: "button", className: "nv-variant", title: t("Show or hide: {label}", { label: style.label }), dataset: { variant },
        "aria-pressed": String(!this.hidden.has(variant)),
        onclick: () => {
          if (!this.hidden.delete(variant)) this.hidden.add(variant);
          entry.setAttribute("aria-pressed", String(!this.hidden.has(variant)));
          this.onchange(this.hidden);
        },
        onpointerenter: () => this.onpoint(this.hidden.has(variant) ? null : { variants: [variant] }),
        onpointerleave: () => this.onpoint(null),
      },
      swatch(style),
      element("span", {}, style.label),
    );
    return entry;
  }
}

/** A short piece of the variant's line with its marker. */
function swatch({ colour = "#808080", dash = "solid", symbol = "circle" }) {
  const svg = vector("svg", { viewBox: "-17 -7 34 14", width: 34, height: 14, "aria-hidden": "true" });
  const stroke = { stroke: colour, "stroke-width": 2, fill: "none" };
  svg.append(vector("path", { d: "M-17 0H17", ...stroke, "stroke-dasharray": DASHES[dash] ?? dash.replaceAll("px", "") }));
  const name = symbol.replace(/-(open|x)$/, "");
  const outlined = symbol.endsWith("-open") || name === "x-thin";
  const fill = outlined ? "var(--st-background-color, none)" : colour;
  svg.append(vector("path", { d: SYMBOLS[name] ?? SYMBOLS.circle, fill, stroke: colour, "stroke-width": 1.5 }));
  if (symbol.endsWith("-x")) {
    svg.append(vector("path", { d: "M-2-2L2 2M-2 2L2-2", stroke: "var(--st-background-color, #fff)", "stroke-width": 1.2 }));
  }
  return svg;
}
