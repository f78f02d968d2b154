// The stage: charts that play a recording while it grows.
//
// Streamlit mounts it once and calls `mount` again whenever the page sends other data (another run) or
// the theme changes.  Nothing here asks the page anything while a run plays: frames come by websocket,
// the cursor is the visitor's own, and the same nodes are drawn into from the first run to the last.

import { Bar } from "./bar.js";
import { element, setText } from "./elements.js";
import { Legend, variantsOf } from "./legend.js";
import { fill, notesAt } from "./notes.js";
import { Panel } from "./panels.js";
import { Playback } from "./playback.js";
import { Run, changes } from "./runs.js";
import { plotlyTemplate, readTheme } from "./theme.js";

const MOST_UPDATES = 20; // a second
const CALM_UPDATES = 1; // a second, where the visitor wants reduced motion
const REST = 0.25; // of a drawing's time is left to everything else before the next one
const PATIENCE = 1500; // ms for which the last picture stays when a new run has sent nothing yet

const stages = new WeakMap();

/** Called by Streamlit with {data, parentElement, setTriggerValue}; returns how to take the stage down. */
export async function mount({ data, parentElement, setTriggerValue }) {
  const base = new URL(".", document.baseURI);
  const Plotly = await plotly(new URL(`${data.assets}/plotly.min.js`, base));
  let stage = stages.get(parentElement);
  if (!stage) stages.set(parentElement, (stage = new Stage(Plotly, parentElement, base)));
  stage.renew = () => setTriggerValue("renew", Date.now());
  stage.update(data);
  return () => {
    stages.delete(parentElement);
    stage.destroy();
  };
}

let loading;
/** plotly.js, once a page. */
function plotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const onerror = () => reject(new Error("plotly.js could not be loaded"));
    document.head.append(element("script", { src: address, onload: () => resolve(window.Plotly), onerror }));
  });
  return loading;
}

class Stage {
  constructor(Plotly, parent, base) {
    this.Plotly = Plotly;
    this.base = base;
    this.reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.playback = new Playback({ reducedMotion: this.reducedMotion });
    this.cursors = { layer: 0 };
    this.hover = null;
    this.panels = new Map();
    this.run = null;
    this.ghost = null;
    this.updates = 0;
    this.lastDrawn = -Infinity;
    this.away = new AbortController();
    this.#build(parent);
  }

  /** Follow what the page sent: the same run, or another one. */
  update(data) {
    this.readings = data.readings;
    this.#retheme();
    const address = new URL(data.stream, this.base);
    if (this.run?.key === data.run) {
      if (this.run.address.href !== address.href) this.run.move(address);
      return;
    }
    const before = this.run;
    before?.close();
    if (before?.frames > 1) this.ghost = before;
    this.styles = data.styles;
    this.run = new Run(data, address, {
      change: () => this.#wake(),
      renew: () => this.renew(),
    });
    this.staged = false;
    this.due = performance.now() + PATIENCE;
    if (!before) this.#raise();
    this.#wake();
  }

  destroy() {
    this.run?.close();
    this.away.abort();
    cancelAnimationFrame(this.ticking);
    this.sizes.disconnect();
    this.sights.disconnect();
    for (const panel of this.panels.values()) panel.destroy();
    this.root.remove();
  }

  // --- for tests and for whoever wants to look ----------------------------------------------------

  state() {
    return { ...this.root.dataset, ...this.#where(), layer: this.cursors.layer, updates: this.updates };
  }

  seek(frame) {
    this.playback.seek(frame);
    this.#wake(true);
  }

  play() {
    this.playback.play();
    this.#wake(true);
  }

  pause() {
    this.playback.pause();
    this.#wake(true);
  }

  // --- the page -----------------------------------------------------------------------------------

  #build(parent) {
    this.bar = new Bar({
      toggle: () => (this.playback.toggle(), this.#wake(true)),
      step: (by) => (this.playback.step(by), this.#wake(true)),
      seek: (frame) => this.seek(frame),
      speed: (times) => (this.playback.speed = times),
      live: () => (this.playback.follow(), this.#wake(true)),
      restart: () => this.#restart(),
      leave: () => (this.run.left ? this.run.resume() : this.run.leave()),
      layer: (index) => this.#choose(index),
    });
    this.legend = new Legend((hidden) => {
      for (const panel of this.panels.values()) panel.hide(hidden);
    });
    this.status = element("p", { className: "nv-status", role: "status" });
    this.changed = element("p", { className: "nv-changed", hidden: true });
    this.grid = element("div", { className: "nv-grid" });
    this.moreGrid = element("div", { className: "nv-grid", hidden: true });
    this.more = element("button", {
      type: "button", className: "nv-button nv-more", hidden: true, "aria-expanded": "false",
      onclick: () => this.#showMore(this.moreGrid.hidden),
    });
    this.notes = element("ul", {});
    this.reading = element("section", { className: "nv-reading", hidden: true }, element("h3", {}, "What to look for"), this.notes);
    this.root = element(
      "section",
      { className: "nv-stage", tabIndex: 0, "aria-label": "Charts of this run", onkeydown: (event) => this.#key(event) },
      element("div", { className: "nv-head" }, this.bar.root, element("div", { className: "nv-line" }, this.legend.root, this.status)),
      this.changed, this.grid, this.more, this.moreGrid, this.reading,
    );
    this.root.normviz = this;
    parent.append(this.root);
    this.sizes = new ResizeObserver(() => this.#resized());
    this.sizes.observe(this.root);
    this.sights = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "100px" });
  }

  /** Put the figures of the present run on the stage; what the run before showed becomes its ghost. */
  #raise() {
    this.staged = true;
    const { figures, settings, recording } = this.run;
    const before = this.ghost;
    const old = new Map((before?.figures ?? []).map((figure) => [figure.key, figure]));
    const layers = this.#layers();
    const { frame } = this.#where();
    const at = recording && frame >= 0 ? { recording, k: frame, cursors: this.cursors } : null;
    const kept = new Map();
    for (const figure of figures) {
      const ghost = before && { figure: old.get(figure.key), recording: before.recording };
      const panel = this.panels.get(figure.key) ?? this.#panel(figure);
      panel.set(figure, layers.at, ghost, at);
      kept.set(figure.key, panel);
    }
    for (const [key, panel] of this.panels) if (!kept.has(key)) panel.destroy();
    this.panels = kept;
    this.#arrange(this.grid, [...kept.values()].filter(({ figure }) => !figure.expert));
    this.#arrange(this.moreGrid, [...kept.values()].filter(({ figure }) => figure.expert));
    this.#showMore(!this.moreGrid.hidden);
    this.legend.set(variantsOf(figures), this.styles);
    const told = before ? changes(before.settings, settings) : "";
    setText(this.changed, told ? `Changed: ${told}. The run before is drawn in grey.` : "");
    this.changed.hidden = !told;
  }

  #panel(figure) {
    const panel = new Panel(this.Plotly, figure, this.template, {
      step: (value) => this.seek(this.run.recording?.frameAtStep(value) ?? 0),
      layer: (index) => this.#choose(index),
      hover: (index) => this.#point(index),
      moved: () => this.#mark(),
      layerName: (index) => this.#layers().names[index] ?? "",
      signal: this.away.signal,
    });
    if (this.legend.hidden.size) panel.hide(this.legend.hidden);
    this.sights.observe(panel.root);
    return panel;
  }

  /** Panels in their order, moving only those that are elsewhere. */
  #arrange(grid, panels) {
    panels.forEach((panel, i) => {
      if (grid.children[i] !== panel.root) grid.insertBefore(panel.root, grid.children[i] ?? null);
    });
  }

  #showMore(open) {
    const n = this.moreGrid.children.length;
    this.moreGrid.hidden = !open || n === 0;
    this.more.hidden = n === 0;
    this.more.setAttribute("aria-expanded", String(open));
    setText(this.more, open ? "Fewer charts" : `More charts (${n})`);
  }

  /** Names of the layers, and where each lies on a "layer" axis. */
  #layers() {
    const schema = this.run?.recording?.schema;
    const n = schema?.extent("layer") ?? 0;
    const labels = schema?.labels.layer ?? [];
    const at = Array.from({ length: n }, (_, i) => (typeof labels[i] === "number" ? labels[i] : i + 1));
    const names = at.map((number, i) => (typeof labels[i] === "string" ? labels[i] : `layer ${number}`));
    return { at, names };
  }

  // --- time ---------------------------------------------------------------------------------------

  /** Make sure that the next picture comes; at once if the visitor asked for it. */
  #wake(dirty = false) {
    this.dirty ||= dirty;
    this.ticking ??= requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now) {
    this.ticking = null;
    const seconds = Math.min(0.25, (now - (this.lastTick ?? now)) / 1000);
    this.lastTick = now;
    const { run, playback } = this;
    if (!this.staged && (run.frames > 0 || run.finished || now > this.due)) {
      playback.reset();
      playback.grow(run.frames, run.expected, run.finished);
      this.#raise();
      this.dirty = true;
    }
    if (this.staged) {
      playback.grow(run.frames, run.expected, run.finished);
      playback.advance(seconds);
    }
    const calm = this.reducedMotion && playback.live && !this.dirty;
    if (now - this.lastDrawn >= 1000 / (calm ? CALM_UPDATES : MOST_UPDATES)) this.#draw();
    const idle = playback.frame >= playback.last && !run.expected && run.finished;
    if ((playback.playing && !idle) || this.dirty || !this.staged || this.#stale()) this.#wake();
    else this.lastTick = undefined;
  }

  /** Whether the screen shows something else than what is here. */
  #stale() {
    return this.shown !== this.#signature();
  }

  #signature() {
    const { run, playback } = this;
    return [run.key, run.status, run.frames, playback.frame, playback.playing, playback.live].join();
  }

  #draw() {
    const signature = this.#signature();
    if (!this.dirty && this.shown === signature) return;
    this.dirty = false;
    const began = performance.now();
    const { run } = this;
    const { frame } = this.#where();
    this.#offerLayers();
    if (this.staged) {
      let changed = false;
      for (const panel of this.panels.values()) {
        changed = panel.draw(run.recording, frame, this.cursors, this.hover) || changed;
      }
      if (changed) this.updates += 1;
      this.#read(frame);
    }
    this.#tell();
    this.shown = signature;
    const ended = performance.now();
    this.lastDrawn = ended + REST * (ended - began) - 1000 / MOST_UPDATES;
    this.lastDrawn = Math.max(this.lastDrawn, began);
  }

  #where() {
    const { run, playback } = this;
    if (!this.staged || !run) return { frame: -1, frames: run?.frames ?? 0, step: 0 };
    const { frame } = playback;
    return { frame, frames: run.frames, step: run.recording?.before(frame)?.step ?? 0 };
  }

  /** Bar, status line, and the attributes that tests wait for. */
  #tell() {
    const { run, playback } = this;
    const where = this.#where();
    const { playing, live } = playback;
    this.bar.show({ ...where, lastStep: run.lastStep, playing, live, layer: this.cursors.layer, left: run.left });
    const recorded = run.recorded && run.status !== "failed" ? "Recorded run." : "";
    setText(this.status, [recorded, run.sentence].filter(Boolean).join(" "));
    Object.assign(this.root.dataset, {
      status: run.status, run: run.key, frame: where.frame, frames: where.frames, step: where.step,
      playing, live, staged: this.staged,
    });
  }

  #read(frame) {
    const told = this.run.recording ? notesAt(this.run.recording, frame) : [];
    const texts = told.filter(([id]) => this.readings[id]).map(([id, numbers]) => fill(this.readings[id], numbers));
    if (texts.join("\n") === this.read) return;
    this.read = texts.join("\n");
    this.notes.replaceChildren(...texts.map((text) => element("li", {}, text)));
    this.reading.hidden = texts.length === 0;
  }

  // --- what visitors do ---------------------------------------------------------------------------

  #restart() {
    if (this.run.left) this.run.resume();
    this.playback.seek(0);
    this.play();
  }

  #choose(index) {
    const { names } = this.#layers();
    this.cursors = { ...this.cursors, layer: Math.max(0, Math.min(index, names.length - 1)) };
    this.#wake(true);
  }

  #point(index) {
    if (this.hover === index) return;
    this.hover = index;
    this.#mark();
  }

  #mark() {
    const { step } = this.#where();
    for (const panel of this.panels.values()) panel.mark(step, this.cursors.layer, this.hover);
  }

  #offerLayers() {
    const { at, names } = this.#layers();
    const known = [...this.panels.values()].some((panel) => panel.knowsLayers);
    const offered = known ? names : [];
    if (offered.join() === this.offered) return;
    this.offered = offered.join();
    this.bar.offerLayers(offered);
    this.cursors = { ...this.cursors, layer: Math.max(0, Math.min(this.cursors.layer, names.length - 1)) };
    for (const panel of this.panels.values()) panel.marks.set(panel.figure.roles, at);
  }

  #key(event) {
    const typing = event.target.closest("select, input:not(.nv-scrub)");
    if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
    const act = {
      " ": () => this.playback.toggle(),
      ArrowLeft: () => this.playback.step(-1),
      ArrowRight: () => this.playback.step(1),
      Home: () => this.playback.seek(0),
      End: () => this.playback.seek(this.playback.last),
    }[event.key];
    if (!act || (event.key === " " && event.target.closest("button"))) return;
    event.preventDefault();
    act();
    this.#wake(true);
  }

  // --- the window ---------------------------------------------------------------------------------

  #retheme() {
    const theme = readTheme(this.root);
    if (JSON.stringify(theme) === this.themed) return;
    this.themed = JSON.stringify(theme);
    this.template = plotlyTemplate(theme);
    for (const panel of this.panels.values()) panel.retheme(this.template);
  }

  #resized() {
    clearTimeout(this.resizing);
    this.resizing = setTimeout(() => {
      for (const panel of this.panels.values()) panel.resize();
      this.#mark();
    }, 80);
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const panel = this.panels.get(target.dataset.key);
      if (panel) panel.visible = isIntersecting;
    }
    if (this.run) this.#wake(true);
  }
}
