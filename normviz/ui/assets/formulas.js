// The formula on the stage: its terms light up with the charts in which they can be seen, and the other way round.

import { element, setText } from "./elements.js";
import { t } from "./words.js";

export class FormulaLine {
  /** @param on {point({figures}) or point(null), visit({figures})}: a term is pointed at, or chosen */
  constructor(on) {
    this.on = on;
    this.terms = {};
    this.board = element("div", { className: "nv-formula-board", role: "group" });
    this.says = element("p", { className: "nv-formula-says", role: "status" });
    this.root = element(
      "section", { className: "nv-formula", hidden: true, "aria-label": t("Formula") }, this.board, this.says,
    );
    this.root.addEventListener("pointerleave", () => this.#show(null));
  }

  /**
   * @param formula {alt, parts, terms}, or null
   * @param figures keys of the charts on the stage
   */
  set(formula, figures) {
    this.root.hidden = !formula;
    const told = JSON.stringify([formula, figures]);
    if (!formula || told === this.told) return;
    this.told = told;
    this.terms = Object.fromEntries(
      Object.entries(formula.terms).map(([key, { says, figures: own }]) => [
        key, { says, figures: own.filter((figure) => figures.includes(figure)) },
      ]),
    );
    // Our own text, not a visitor's.
    this.board.innerHTML = formula.parts.map((part) => `<math display="block" role="group"><mrow>${part}</mrow></math>`).join("");
    this.board.setAttribute("aria-label", formula.alt);
    const met = new Set();
    for (const node of this.board.querySelectorAll("[data-term]")) {
      const key = node.dataset.term;
      node.setAttribute("role", node.querySelector("[data-term]") ? "group" : "button"); // no button inside a button
      node.setAttribute("aria-label", this.terms[key].says);
      if (!met.has(key)) node.tabIndex = 0; // once for all places of a term
      met.add(key);
      this.#listen(node, key);
    }
    this.#show(null, false);
  }

  /** Light the terms of a chart, or none. */
  light(figure) {
    this.#lit((term) => term.figures.includes(figure));
  }

  #listen(node, key) {
    const point = () => this.#show(key);
    node.addEventListener("pointerenter", point);
    node.addEventListener("focus", point);
    node.addEventListener("blur", () => this.#show(null));
    node.addEventListener("click", () => this.on.visit(this.terms[key]));
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      this.on.visit(this.terms[key]);
    });
  }

  #show(key, tell = true) {
    this.#lit((_, one) => one === key);
    const hint = t("Point at a term to see its charts, or at a chart to see its terms.");
    setText(this.says, key === null ? hint : this.terms[key].says);
    if (tell) this.on.point(key === null ? null : this.terms[key]);
  }

  #lit(which) {
    for (const node of this.board.querySelectorAll("[data-term]")) {
      const key = node.dataset.term;
      node.classList.toggle("nv-lit-term", which(this.terms[key], key));
    }
  }
}
