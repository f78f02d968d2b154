// The numbers of a chart as a table: for those who do not see it, and met by the Tab key alone.

import { isTold, nameOf, pairs, spoken, titles } from "./described.js";
import { element } from "./elements.js";
import { numeral, t } from "./words.js";

const ROWS = 25; // of a curve; longer ones are thinned evenly
const CELLS = 400; // of a map; larger ones are told in words only

export class Numbers {
  constructor() {
    this.table = element("table", {});
    const summary = element("summary", {}, t("Numbers as a table"));
    this.root = element("details", { className: "nv-numbers" }, summary, this.table);
    this.root.addEventListener("toggle", () => this.#fill());
  }

  /** @param resolved see described.js, or null: nothing may be seen */
  set(resolved, title) {
    this.resolved = resolved;
    this.title = title;
    this.root.hidden = !resolved || rowsOf(resolved).length === 0;
    this.#fill();
  }

  #fill() {
    if (!this.root.open || !this.resolved) return this.table.replaceChildren();
    const [x, y] = titles(this.resolved.layout);
    const rows = rowsOf(this.resolved);
    const heads = [t("Curve"), x || "x", y || "y", ...(rows[0]?.length > 3 ? [t("Value")] : [])];
    const cells = (tag, texts) => element("tr", {}, ...texts.map((text) => element(tag, {}, text)));
    this.table.replaceChildren(
      element("caption", {}, this.title),
      element("thead", {}, cells("th", heads)),
      element("tbody", {}, ...rows.map((row) => cells("td", row))),
    );
  }
}

/** Rows of the table, as texts: a point of a curve or a bar each, or a cell of a map. */
export function rowsOf({ data, layout }) {
  const traces = data.filter(isTold);
  const maps = traces.filter(({ type }) => type === "heatmap");
  if (maps.length) return maps.flatMap((trace) => cellsOf(trace, layout));
  return traces.flatMap((trace) => {
    const [x, y] = spoken(layout, trace);
    const name = nameOf(trace, layout);
    return thinned(pairs(trace)).map(([at, height]) => [name, x(at), y(height)]);
  });
}

function cellsOf({ x, y, z, ...trace }, layout) {
  const [across, down] = spoken(layout, trace);
  if (!x?.length || !y?.length || x.length * y.length > CELLS) return [];
  const name = nameOf(trace, layout);
  const value = (one) => (Number.isFinite(one) ? numeral(String(Number(one.toPrecision(3)))) : t("none"));
  return Array.from(y).flatMap((row, j) => Array.from(x, (one, i) => [name, across(one), down(row), value(z[j]?.[i])]));
}

/** At most ROWS points, the first and the last among them. */
function thinned(points) {
  if (points.length <= ROWS) return points;
  return Array.from({ length: ROWS }, (_, i) => points[Math.round((i * (points.length - 1)) / (ROWS - 1))]);
}
