// What is on the stage: bar, legend, status, charts, readings, formula.  It shows what it is told and keeps no time.

import { Bar } from "./bar.js";
import { Cards } from "./cards.js";
import { Descriptions, unseen } from "./described.js";
import { element, setText } from "./elements.js";
import { FormulaLine } from "./formulas.js";
import { Legend, variantsOf } from "./legend.js";
import { notesAt } from "./notes.js";
import { Panel } from "./panels.js";
import { Card } from "./question.js";
import { Reading } from "./reading.js";
import { plotlyTemplate, readTheme } from "./theme.js";
import { Tools } from "./tools.js";
import { t } from "./words.js";

const ARRIVED = 2500; // ms for which a chart stands out that a visitor has gone to
const BUDGET = 50; // ms for a picture if another follows soon: a screen full of charts moves together, ten times a
// second with what the browser itself needs to paint it; charts that find no room are first in the next

export class Scene {
  /**
   * @param parent the element to build in
   * @param on what visitors do: see Bar, Tools and Marks, and {key(event), point(place), visit(place), seen(), signal}
   * @param {URL} base of the site, for links to other pages
   */
  constructor(parent, on, base) {
    this.on = on;
    this.kit = { Plotly: null, template: {}, scale: 1, free: false }; // shared by all panels
    this.panels = new Map();
    this.places = new Map(); // the figure that is shown at each place that several share, by key
    this.layers = { at: [], called: [], names: [] };
    this.looked = false; // it is known which charts are in sight
    this.bar = new Bar(on);
    this.card = new Card(on);
    this.legend = new Legend((hidden) => this.#each((panel) => panel.hide(hidden)), on.point);
    this.tools = new Tools(on);
    this.formula = new FormulaLine(on);
    this.status = element("p", { className: "nv-status", role: "status" });
    this.announced = unseen("p", { "aria-live": "polite" });
    this.descriptions = new Descriptions(this.announced);
    this.deck = new Cards(base);
    this.grid = element("div", { className: "nv-grid" });
    this.moreGrid = element("div", { className: "nv-grid", hidden: true });
    this.more = element("button", {
      type: "button", className: "nv-button nv-more", hidden: true, "aria-expanded": "false",
      onclick: () => this.#showMore(this.moreGrid.hidden),
    });
    this.reading = new Reading(on);
    this.root = element(
      "section",
      { className: "nv-stage", tabIndex: 0, "aria-label": t("Charts of this run"), onkeydown: on.key },
      element(
        "div", { className: "nv-head" },
        this.bar.root,
        element("div", { className: "nv-line" }, this.legend.root, this.status),
      ),
      this.announced, this.tools.root, this.card.root, this.deck.root, this.grid, this.more, this.moreGrid,
      this.reading.root, this.formula.root,
    );
    parent.append(this.root);
    this.sizes = new ResizeObserver(() => this.#resized());
    this.sizes.observe(this.root);
    this.sights = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "100px" });
  }

  /** Take the colours and fonts of the page, if they are other than before. */
  retheme() {
    const theme = readTheme(this.root);
    if (JSON.stringify(theme) === this.theme) return;
    this.theme = JSON.stringify(theme);
    this.kit.template = plotlyTemplate(theme);
    this.kit.scale = theme.scale;
    this.#each((panel) => panel.retheme());
  }

  /**
   * Put figures on the stage; those that were there under the same key keep their nodes.
   * @param formula with the terms that light up, or null
   * @param before the run before, for the ghosts: {figures, recording}, or null
   * @param at where to draw them at once: {recording, k, cursors}, or null
   * @param {Question} question what may not be seen before it is answered
   */
  raise({ figures, styles, formula, before, at, question }) {
    this.question = question;
    const old = new Map((before?.figures ?? []).map((figure) => [figure.key, figure]));
    const kept = new Map();
    for (const figure of figures) {
      const ghost = old.has(figure.key) ? { figure: old.get(figure.key), recording: before.recording } : null;
      const panel = this.panels.get(figure.key) ?? this.#panel(figure);
      panel.set(question.shown(figure), this.layers.at, ghost, at);
      kept.set(figure.key, panel);
    }
    for (const [key, panel] of this.panels) if (!kept.has(key)) panel.destroy();
    this.panels = kept;
    const loose = this.deck.take([...kept.values()]);
    arrange(this.grid, loose.filter(({ figure }) => !figure.expert));
    arrange(this.moreGrid, loose.filter(({ figure }) => figure.expert));
    this.#sharePlaces();
    this.#showMore(!this.moreGrid.hidden);
    this.#sketch();
    this.card.set(question);
    this.legend.set(variantsOf(figures), styles);
    this.formula.set(formula, figures.map(({ key }) => key));
  }

  /** Let all charts choose their axes, or none. */
  free(free) {
    this.kit.free = free;
    this.tools.freed(free);
    this.#each((panel) => panel.rescale());
  }

  /** Let charts and variants stand out: {figures, variants}, or null. */
  point(place) {
    const { figures = [], variants = [] } = place ?? {};
    this.#each((panel) => panel.light(figures.includes(panel.figure.key), variants));
  }

  /** Light the terms of a chart under the pointer, or none. */
  lights(figure) {
    this.formula.light(figure);
  }

  /** Bring the first of some charts onto the screen. */
  visit(figures, smooth) {
    const panel = figures.map((key) => this.panels.get(key)).find(Boolean);
    if (!panel) return;
    const { place } = panel.figure.layout.meta ?? {};
    if (place && panel.root.hidden) {
      this.places.set(place, panel.figure.key);
      this.#sharePlaces();
    }
    if (this.moreGrid.contains(panel.root)) this.#showMore(true);
    panel.root.scrollIntoView({ block: "nearest", behavior: smooth ? "smooth" : "auto" });
    this.#each((one) => one.root.classList.toggle("nv-arrived", one === panel));
    clearTimeout(this.arriving);
    this.arriving = setTimeout(() => panel.root.classList.remove("nv-arrived"), ARRIVED);
  }

  /** Offer the layers of a schema, if any figure knows layers; without one yet, those before.  Returns how many. */
  offerLayers(schema) {
    if (!schema) return this.layers.names.length;
    const n = schema.extent("layer");
    const labels = schema.labels.layer ?? [];
    const at = Array.from({ length: n }, (_, i) => (typeof labels[i] === "number" ? labels[i] : i + 1));
    const called = at.map((number, i) => labels[i] ?? number);
    const names = called.map((number) => t("layer {number}", { number }));
    const known = [...this.panels.values()].some((panel) => panel.knowsLayers);
    const offer = JSON.stringify([names, known]);
    if (offer !== this.offer) {
      this.offer = offer;
      this.layers = { at, called, names };
      this.bar.offerLayers(known ? names : []);
      this.#each((panel) => panel.marks.set(panel.figure.roles, at));
    }
    return n;
  }

  /**
   * Draw what stands at frame k in the charts that are on screen.
   * @param how {cursors, hover, moving}: see Chart.draw
   * @returns promises of what changed
   */
  draw(recording, k, how, readings, places) {
    const pictures = [];
    const began = performance.now();
    this.pictures = (this.pictures ?? 0) + 1;
    const waiting = [...this.panels.values()].sort((one, other) => (one.pictured ?? 0) - (other.pictured ?? 0));
    for (const panel of waiting) {
      const first = !this.kit.Plotly && !panel.draft; // of the first pictures none is put off
      if (how.moving && !first && performance.now() - began > BUDGET) break;
      panel.pictured = this.pictures;
      pictures.push(panel.draw(recording, k, how, this.layers.names[how.cursors.layer] ?? ""));
    }
    this.card.tell(this.question, recording, k, how.cursors);
    this.#read(recording, k, readings, places);
    this.descriptions.at([...this.panels.values()], recording, k, how, () => this.bar.step.textContent);
    return pictures.filter((picture) => picture !== null);
  }

  /** A draft stands in a chart that is in sight, or it is known that none is in sight. */
  get drafted() {
    const inSight = [...this.panels.values()].filter(({ visible }) => visible);
    return this.looked && (inSight.length === 0 || inSight.some(({ draft }) => draft?.axes));
  }

  mark(step, layer, hover) {
    this.#each((panel) => panel.mark(step, layer, hover));
  }

  /** Bar, status line, and the attributes for which tests wait. */
  tell(where, sentence) {
    this.bar.show(where);
    setText(this.status, sentence);
    const { status, run, frame, frames, step, playing, live, staged, question, recorded } = where;
    Object.assign(this.root.dataset, { status, run, frame, frames, step, playing, live, staged, question, recorded });
  }

  destroy() {
    this.sizes.disconnect();
    this.sights.disconnect();
    this.descriptions.destroy();
    this.#each((panel) => panel.destroy());
    this.root.remove();
  }

  #each(act) {
    for (const panel of this.panels.values()) act(panel);
  }

  #panel(figure) {
    const panel = new Panel(this.kit, figure, this.on);
    if (this.legend.hidden.size) panel.hide(this.legend.hidden);
    this.sights.observe(panel.root);
    return panel;
  }

  /** Figures of one `layout.meta.place` are shown one at a time; `layout.meta.option` is what their buttons say. */
  #sharePlaces() {
    const sharing = new Map();
    this.#each((panel) => {
      const { place } = panel.figure.layout.meta ?? {};
      if (place) sharing.set(place, [...(sharing.get(place) ?? []), panel]);
    });
    for (const [place, panels] of sharing) {
      const figures = panels.map(({ figure }) => figure);
      const shown = figures.find(({ key }) => key === this.places.get(place)) ?? figures[0];
      for (const panel of panels) {
        panel.root.hidden = panel.figure.key !== shown.key;
        panel.offer(figures, (key) => this.#show(place, key));
      }
    }
  }

  #show(place, key) {
    this.places.set(place, key);
    this.#sharePlaces();
    this.panels.get(key).options.querySelector('[aria-pressed="true"]').focus();
  }

  #showMore(open) {
    const n = this.moreGrid.children.length;
    this.moreGrid.hidden = !open || n === 0;
    this.more.hidden = n === 0;
    this.more.setAttribute("aria-expanded", String(open));
    setText(this.more, open ? t("Fewer charts") : t("More charts ({n})", { n }));
  }

  /** Let a curve be drawn on its chart as long as the question is open. */
  #sketch() {
    const sketch = this.question.open ? this.question.told.sketch : null;
    this.#each((panel) => panel.sketch(panel.figure.key === sketch?.figure ? sketch : null, this.on.guess));
  }

  #read(recording, k, readings, places) {
    const told = (recording ? notesAt(recording, k) : []).filter(([id]) => !this.question.hides(id));
    const loose = this.deck.show(told, readings).filter(([id]) => readings[id]);
    const figures = [...this.panels.values()].filter(({ figure }) => !figure.covered).map(({ figure }) => figure.key);
    const layerOf = (number) => layerCalled(number, this.layers);
    this.reading.show(loose, readings, { places: places.of, figures, labels: places.variants, layerOf });
  }

  #resized() {
    clearTimeout(this.resizing);
    this.resizing = setTimeout(() => {
      this.retheme(); // a presenter's type comes by a stylesheet alone: Streamlit has nothing to tell the stage
      this.#each((panel) => panel.resize());
      this.on.moved();
    }, 80);
  }

  #seen(entries) {
    this.looked = true;
    for (const { target, isIntersecting } of entries) {
      const panel = this.panels.get(target.dataset.key);
      if (panel) panel.visible = isIntersecting;
    }
    this.on.seen();
  }
}

/** Index of the layer that a note calls so: a number, or words such as "2 (attention)"; null if there is none. */
function layerCalled(name, { called }) {
  const i = called.indexOf(name);
  return i < 0 ? null : i;
}

/** Panels in their order, moving only those that are elsewhere. */
function arrange(grid, panels) {
  panels.forEach((panel, i) => {
    if (grid.children[i] !== panel.root) grid.insertBefore(panel.root, grid.children[i] ?? null);
  });
}
