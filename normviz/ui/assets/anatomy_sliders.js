/** Sliders for the value of one cell and for what the norm has learned there. */

import { plain } from "./anatomy_arithmetic.js";

/** Bounds by symbol; x's hold for dragging too. */
export const LIMITS = { x: [-5, 5], v: [-5, 5], γ: [-2, 3], β: [-2, 2], g: [0, 6] };
const SYMBOLS = { x: "x", gamma: "γ", beta: "β" };

export class Sliders {
  /** `act`: {slide(name, value), settle(), hidden: [name]}. */
  constructor(element, act) {
    element.innerHTML = Object.keys(SYMBOLS).map((name) => `
      <label class="nva-slider" data-name="${name}"><span></span><input type="range" step="0.1"><b></b></label>`).join("");
    this.labels = [...element.children];
    this.hidden = act.hidden;
    for (const label of this.labels) {
      const input = label.querySelector("input");
      input.addEventListener("input", () => act.slide(label.dataset.name, Number(input.value)));
      input.addEventListener("change", () => act.settle());
    }
  }

  /** `values` by name, `learned` the norm's parameters, `titles` {x, learned} of a symbol, `symbols` where they have other ones. */
  show({ values, learned, titles, symbols }) {
    for (const label of this.labels) {
      const { name } = label.dataset, [title, input, number] = label.children;
      const symbol = symbols[name] ?? SYMBOLS[name];
      label.hidden = this.hidden.includes(name) || (name !== "x" && !learned.includes(name));
      title.innerHTML = name === "x" ? titles.x(symbol) : titles.learned(symbol);
      [input.min, input.max] = LIMITS[symbol];
      input.value = values[name];
      number.textContent = plain(values[name], 2);
    }
  }
}
