// What to look for: the sentences of a frame, each of which points at the place that it speaks of.

import { button, element, setText } from "./elements.js";
import { named } from "./features.js";
import { said, t } from "./words.js";

const AT_FIRST = 5; // sentences; the others are a click away

export class Reading {
  /** @param on {point(place) or point(null), visit(place)}; a place is {figures, layer, step, variants} */
  constructor(on) {
    this.on = on;
    this.open = false;
    this.told = [];
    this.list = element("ul", { role: "list" });
    this.more = button({ text: t("More"), onclick: () => this.#toggle() });
    this.more.classList.add("nv-more-notes");
    for (const name of ["aria-label", "title"]) this.more.removeAttribute(name); // its text changes, and is its name
    this.root = element(
      "section", { className: "nv-reading", hidden: true },
      element("div", { className: "nv-read" }, element("h2", {}, t("What to look for")), this.list, this.more),
    );
  }

  /**
   * Show notes; a sentence keeps its element, so that nothing is lost under a pointer or a focus.
   * @param notes [id, numbers] pairs
   * @param readings templates by id
   * @param around {places, figures, labels, layerOf}: see #place
   */
  show(notes, readings, around) {
    this.told = notes.map(([id, numbers]) => ({
      text: said(readings[id], numbers), place: placed(around.places[id], numbers, around),
    }));
    while (this.list.children.length < this.told.length) this.list.append(this.#item(this.list.children.length));
    while (this.list.children.length > this.told.length) this.list.lastChild.remove();
    this.told.forEach(({ text, place }, i) => {
      const item = this.list.children[i];
      setText(item.firstChild, text);
      item.firstChild.disabled = place === null;
    });
    const texts = this.told.map(({ text }) => text).join("\n");
    if (texts === this.texts) return;
    this.texts = texts;
    this.root.hidden = this.told.length === 0;
    this.#fold();
    this.holding ??= setTimeout(() => this.#hold(), 200); // measuring at every frame would slow down playing
  }

  /** Room once taken is kept: fewer sentences do not pull up what stands below. */
  #hold() {
    this.holding = undefined;
    const { offsetHeight: taken } = this.root.firstChild;
    if (this.open || taken <= (this.held ?? 0)) return;
    this.held = taken;
    this.root.style.setProperty("--nv-held", `${taken}px`);
  }

  #item(i) {
    const point = () => this.on.point(this.told[i]?.place ?? null);
    const leave = () => this.on.point(null);
    return element("li", {}, element("button", {
      type: "button", className: "nv-note", onpointerenter: point, onpointerleave: leave, onfocus: point,
      onblur: leave, onclick: () => this.told[i]?.place && this.on.visit(this.told[i].place),
    }));
  }

  #toggle() {
    this.open = !this.open;
    this.#fold();
  }

  #fold() {
    const rest = this.told.length - AT_FIRST;
    [...this.list.children].forEach((item, i) => (item.hidden = !this.open && i >= AT_FIRST));
    this.more.hidden = rest <= 0;
    this.more.setAttribute("aria-expanded", String(this.open));
    setText(this.more.firstChild, this.open ? t("Less") : t("{n} more", { n: rest }));
  }
}

/**
 * Where a note can be seen: {figures, layer, step, variants}, or null if nothing of that is on the stage.
 * @param place as normviz/readings/places.py has it: names of the note's numbers
 * @param around {figures: keys on the stage, labels: variants by label, layerOf(number): index or null}
 */
export function placed(place, numbers, { figures, labels, layerOf }) {
  const figure = place?.figures.find((key) => figures.includes(key));
  if (figure === undefined) return null;
  const words = place.variants.map((name) => numbers[name]).filter((word) => typeof word === "string");
  const step = numbers[place.step];
  return {
    figures: [figure],
    layer: place.layer ? layerOf(numbers[place.layer]) : null,
    step: typeof step === "number" ? step : null,
    variants: [...new Set(words.flatMap((word) => named(word, labels)))],
  };
}
