/** One digit looked at closely: the ten class probabilities in both modes. */

import { drawDigit } from "./board.js";
import { numeral, t, tn } from "./words.js";

const percent = (p) => numeral(`${p > 0.995 && p < 1 ? ">99" : Math.round(100 * p)}%`);

/** Height of a bar; a sliver thinner than a pixel would only look like dirt on the axis. */
const shown = (p) => (p < 0.01 ? 0 : p);

function top(p) {
  const best = p.indexOf(Math.max(...p));
  return `${best} (${percent(p[best])})`;
}

export class Inspector {
  constructor(element) {
    this.element = element;
    const columns = Array.from({ length: 10 }, (_, c) => `
      <span class="nvt-class"><i class="nvt-bar-eval"></i><i class="nvt-bar-train"></i><b>${c}</b></span>`);
    element.innerHTML = `
      <canvas aria-hidden="true"></canvas>
      <div class="nvt-told"></div>
      <div class="nvt-bars" role="img">${columns.join("")}</div>`;
  }

  /** Show a digit; `trained` is missing where torch gives no answer. */
  show({ pixels, label, batch, place, evaluated, trained }) {
    const fresh = pixels !== this.pixels;
    this.pixels = pixels;
    const mates = batch === 1 ? t("alone in its batch")
      : tn("in batch {place}, with {n} other", "in batch {place}, with {n} others", batch - 1, { place });
    this.element.querySelector(".nvt-told").innerHTML = `
      <p>${t("Digit {label}, {mates}", { label: `<b>${label}</b>`, mates })}</p>
      <p><i class="nvt-bar-eval"></i>${t("eval reads {answer}", { answer: `<b>${top(evaluated)}</b>` })}</p>
      <p><i class="nvt-bar-train"></i>${trained
        ? t("train reads {answer}", { answer: `<b>${top(trained)}</b>` }) : t("train gives no answer")}</p>`;
    this.element.querySelectorAll(".nvt-class").forEach((column, c) => {
      column.children[0].style.setProperty("--p", shown(evaluated[c]));
      column.children[1].style.setProperty("--p", trained ? shown(trained[c]) : 0);
      column.classList.toggle("nvt-true", c === label);
    });
    const list = (p) => Array.from(p, (v, c) => [c, v]).filter(([, v]) => v >= 0.01)
      .sort((a, b) => b[1] - a[1]).map(([c, v]) => t("{digit} with {share}", { digit: c, share: percent(v) })).join(", ");
    const words = t(
      "Class probabilities of this {label}. In evaluation mode: {evaluated}. In training mode: {trained}.",
      { label, evaluated: list(evaluated), trained: trained ? list(trained) : t("none, torch raises an error") },
    );
    this.element.querySelector(".nvt-bars").setAttribute("aria-label", words);
    if (fresh) this.paint();
  }

  /** Paint the digit in the text colour of the theme. */
  paint() {
    if (!this.pixels) return;
    drawDigit(this.element.querySelector("canvas"), this.pixels, 8, getComputedStyle(this.element).color);
  }
}
