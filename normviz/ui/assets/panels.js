// One figure on the page: caption, plot, marks.

import { Chart } from "./charts.js";
import { inWords, unseen } from "./described.js";
import { Doors } from "./doors.js";
import { Draft } from "./drafts.js";
import { element, setText } from "./elements.js";
import { feature } from "./features.js";
import { Marks } from "./marks.js";
import { Numbers } from "./numbers.js";
import { Sketch } from "./sketch.js";
import { Takeaway } from "./takeaway.js";
import { t } from "./words.js";

const HEIGHT = 300; // pixels of a figure that does not say
let made = 0; // figures, for names of their own
const narrow = window.matchMedia("(max-width: 640px)");

/** A figure as it suits the screen: on a narrow one `layout.meta.narrow` takes the place of what it names. */
function fitted(figure) {
  const other = figure.layout.meta?.narrow;
  return other && narrow.matches ? { ...figure, layout: { ...figure.layout, ...other } } : figure;
}

export class Panel {
  /**
   * @param kit {Plotly, template, experiment}, shared by all panels
   * @param on {seekStep(step), layer(index), hover(index or null), lights(figure or null), moved(), seen(), signal}
   */
  constructor(kit, figure, on) {
    this.kit = kit;
    this.on = on;
    this.drawing = null; // the curve that a visitor draws as a guess
    this.draft = null; // what stands in for the chart until Plotly is there
    this.chart = null; // made when it is first on screen: Plotly needs the width of its node
    this.visible = false;
    this.fits = true; // out of sight a chart keeps the size that it had
    this.hidden = new Set();
    this.featured = []; // variants that stand out
    this.title = element("span", { className: "nv-title" });
    this.badge = element("span", { className: "nv-badge" });
    this.words = unseen("p", { id: `nv-words-${(made += 1)}` });
    this.numbers = new Numbers();
    this.plot = element("div", { className: "nv-plot", role: "img", "aria-describedby": this.words.id });
    this.cover = element("p", { className: "nv-cover", hidden: true, "aria-hidden": "true" });
    this.box = element("div", { className: "nv-box" }, this.plot, this.cover);
    this.fault = element("p", { className: "nv-fault", hidden: true });
    this.options = element("span", { className: "nv-options", role: "group", hidden: true });
    this.takeaway = new Takeaway(this);
    const caption = element("figcaption", {}, this.title, this.badge, this.options, this.takeaway.root);
    this.marks = new Marks(this.box, this.plot, on);
    this.doors = new Doors(this.box, this.plot, on);
    this.root = element(
      "figure", { className: "nv-figure" },
      caption, this.box, this.words, this.numbers.root, this.doors.line, this.fault,
    );
    this.pointed = false; // under the pointer, where numbers may be read off
    this.box.addEventListener("pointerenter", () => {
      this.pointed = true;
      on.lights(this.figure.key);
      on.seen();
    });
    this.box.addEventListener("pointerleave", () => {
      this.pointed = false;
      on.lights(null);
    });
    this.set(figure, []);
  }

  /** Whether the figure has anything to do with the chosen layer. */
  get knowsLayers() {
    const { roles, data } = this.figure;
    return Object.values(roles).includes("layer") || JSON.stringify(data).includes('"layer"');
  }

  /** Show another figure.  See Chart.set for `ghost` and `at`. */
  set(declared, layers, ghost = null, at = null) {
    const figure = fitted(declared);
    this.figure = figure;
    this.root.dataset.key = figure.key;
    for (const size of ["wide", "double"]) {
      this.root.classList.toggle(`nv-${size}`, figure.layout.meta?.[size] === true);
    }
    setText(this.title, figure.title);
    this.plot.setAttribute("aria-label", figure.alt);
    this.root.dataset.covered = figure.covered ?? "";
    this.cover.hidden = figure.covered !== "card";
    setText(this.cover, this.cover.hidden ? "" : figure.alt);
    this.box.style.height = `${figure.layout.height ?? HEIGHT}px`;
    this.marks.set(figure.roles, layers);
    this.doors.set(figure.opens);
    this.takeaway.set(figure);
    this.ghost = ghost;
    if (this.chart) this.#guarded(() => this.chart.set(figure, ghost, at));
  }

  /** Draw, if on screen.  Returns a promise of the picture, or null if Plotly has nothing to do. */
  draw(recording, k, { cursors, hover, moving }, layerName) {
    if (!this.visible) return null;
    return this.#guarded(() => {
      const at = recording && k >= 0 ? { recording, k, cursors } : null;
      if (!this.kit.Plotly) return this.#sketchOut(at);
      this.#ensureChart(at);
      this.#fit();
      const picture = at ? this.chart.draw(recording, k, cursors, moving && !this.pointed) : null;
      this.doors.show();
      setText(this.badge, this.chart.cursors.has("layer") ? layerName : "");
      this.mark(at ? recording.position(k) : null, cursors.layer, hover);
      return picture;
    });
  }

  /** Say what is shown now, in words and as a table.  @param resolved see described.js, or null while covered */
  describe(resolved) {
    setText(this.words, resolved ? inWords(resolved) : "");
    this.numbers.set(resolved, this.figure.title);
  }

  /** Offer the figures that share this one's place, itself among them. */
  offer(figures, choose) {
    const buttons = figures.map(({ key, layout }) => {
      const pressed = String(key === this.figure.key);
      const option = { type: "button", className: "nv-button", "aria-pressed": pressed, onclick: () => choose(key) };
      return element("button", option, layout.meta.option);
    });
    this.options.replaceChildren(...buttons);
    this.options.setAttribute("aria-label", this.figure.layout.meta.place);
    this.options.hidden = figures.length < 2;
  }

  /** Let a curve be drawn over the plot (see Sketch), or take the drawing away. */
  sketch(told, guess) {
    if (Boolean(told) === Boolean(this.drawing)) return;
    this.drawing?.root.remove();
    this.drawing?.confirm.remove();
    this.drawing = told ? new Sketch(told, (curve) => guess({ curve })) : null;
    if (!told) return;
    this.box.append(this.drawing.root);
    this.box.append(this.drawing.confirm);
  }

  mark(step, layer, hover) {
    if (!this.chart || !this.visible) return;
    this.marks.place({ step: this.figure.covered ? null : step, layer, hover });
    if (this.featured.length) feature(this.plot, this.featured);
    this.drawing?.place(this.plot);
  }

  /** Stand out, if pointed at, and let only some variants stand out in the plot. */
  light(lit, variants) {
    this.root.classList.toggle("nv-lit", lit);
    if (!variants.length && !this.featured.length) return;
    this.featured = variants;
    feature(this.plot, variants);
  }

  /** Take the axes as they are wanted now: shared, or each chart its own. */
  rescale() {
    if (this.chart) this.#guarded(() => this.chart.rescale());
  }

  hide(variants) {
    this.hidden = variants;
    if (this.chart) this.#guarded(() => this.chart.hide(variants));
  }

  retheme() {
    if (this.chart) this.#guarded(() => this.chart.retheme());
  }

  resize() {
    this.fits = false;
    if (this.visible) this.#fit();
  }

  destroy() {
    this.chart?.destroy();
    this.root.remove();
  }

  /** Let the chart take the size of its place, if that has changed. */
  #fit() {
    if (!this.fits) this.chart?.resize();
    this.fits = true;
  }

  #sketchOut(at) {
    this.draft ??= new Draft(this.plot);
    if (at) this.draft.draw(this.figure, at, this.kit.template.layout, this.hidden);
    return null;
  }

  #ensureChart(at) {
    if (this.chart) return;
    this.chart = new Chart(this.kit, this.plot, this.hidden);
    this.chart.set(this.figure, this.ghost, at);
    this.draft?.destroy();
    this.draft = null;
    this.plot.on("plotly_relayout", () => this.on.moved()); // zoomed: the marks must follow
  }

  /** A chart that cannot be drawn says so in its place and leaves the others alone. */
  #guarded(act) {
    try {
      const done = act();
      this.fault.hidden = true;
      return done;
    } catch (error) {
      console.error(`figure ${this.figure.key}`, error);
      setText(this.fault, t("This chart could not be drawn from what has been recorded."));
      this.fault.hidden = false;
      return null;
    }
  }
}
