// One chart: a declared figure, drawn by Plotly into a node that stays for as long as the page does.
//
// While a recording plays, lines on fixed axes go to Plotly as animation frames without redraw, which leaves
// the axes alone: a third of the processor time of `react` or `restyle` (23 against 65 ms for four charts of
// four lines, software rendering).  Everything else is restyled: only the referenced attributes are sent.

import { findRefs, lookup, replaceRefs, stamp } from "./refs.js";

const CONFIG = { displayModeBar: false, responsive: false, doubleClick: "reset", showTips: false };
const GHOST = "#8a8a8a";
const coarsePointer = window.matchMedia("(pointer: coarse)");

/** A path inside a figure in Plotly's notation: ["shapes", 0, "x0"] is "shapes[0].x0". */
const written = (path) =>
  path.reduce((text, key) => (typeof key === "number" ? `${text}[${key}]` : text ? `${text}.${key}` : key), "");

export class Chart {
  /**
   * @param kit {Plotly, template}
   * @param hidden variants that are not shown
   */
  constructor(kit, node, hidden) {
    this.kit = kit;
    this.node = node;
    this.hidden = hidden;
  }

  /** The cursors ("layer") on which this figure depends. */
  get cursors() {
    return new Set(this.bound.flatMap(({ ref }) => ref.index.filter((one) => typeof one === "string")));
  }

  /**
   * Show another figure in the same node.
   * @param ghost the run before: {figure, recording}, or null
   * @param at where to draw it at once: {recording, k, cursors}, or null
   */
  set(figure, ghost, at) {
    this.figure = figure;
    this.ghost = ghost;
    const ghosts = ghost ? ghostTraces(ghost.figure) : [];
    this.ghosts = ghosts.length;
    this.traces = [...ghosts, ...figure.data];
    this.bound = [
      ...this.traces.flatMap((trace, i) => findRefs(trace).map((found) => ({ ...found, trace: i }))),
      ...findRefs(figure.layout).map((found) => ({ ...found, trace: null })),
    ];
    this.moving = [...new Set(this.bound.map(({ trace }) => trace))].filter((trace) => trace !== null);
    this.animated = isAnimated(figure, this.bound);
    this.at = at;
    this.drawn = at ? this.#stamps() : null;
    this.#react();
  }

  /** Draw what stands at frame k.  Returns a promise of the picture, or null if nothing has changed. */
  draw(recording, k, cursors) {
    this.at = { recording, k, cursors };
    const stamps = this.#stamps();
    if (this.drawn && stamps.every((one, i) => one === this.drawn[i])) return null;
    this.drawn = stamps;
    return this.animated ? this.#animate() : this.#restyle();
  }

  /** One animation frame that holds the referenced attributes of all moving traces. */
  #animate() {
    const data = this.moving.map((i) => {
      const changed = {};
      for (const { trace, path, ref } of this.bound) if (trace === i) changed[path[0]] = this.#value(ref, trace);
      return changed;
    });
    const atOnce = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } };
    // A picture that is overtaken by the next one is no fault.
    return this.kit.Plotly.animate(this.node, { data, traces: this.moving }, atOnce).catch(() => {});
  }

  #restyle() {
    const restyle = {};
    const relayout = {};
    for (const { trace, path, ref } of this.bound) {
      const name = written(path);
      if (trace === null) relayout[name] = this.#value(ref, trace);
      else {
        restyle[name] ??= new Array(this.moving.length); // a hole leaves that trace as it is
        restyle[name][this.moving.indexOf(trace)] = this.#value(ref, trace);
      }
    }
    return this.kit.Plotly.update(this.node, restyle, relayout, this.moving);
  }

  /** Show all variants but these. */
  hide(variants) {
    this.hidden = variants;
    this.kit.Plotly.restyle(this.node, { visible: this.traces.map((trace) => this.#isVisible(trace)) });
  }

  /** Draw again in the colours of the kit. */
  retheme() {
    this.#react();
  }

  resize() {
    this.kit.Plotly.Plots.resize(this.node);
  }

  destroy() {
    this.kit.Plotly.purge(this.node);
  }

  #isVisible(trace) {
    return !this.hidden.has(trace.meta?.variant);
  }

  #stamps() {
    return this.bound.map(({ trace, ref }) => stamp(ref, ...this.#source(trace), this.at.cursors));
  }

  #value(ref, trace) {
    return lookup(ref, ...this.#source(trace), this.at.cursors);
  }

  /** Recording and frame behind a trace.  Ghosts show whole histories, and else the same training step. */
  #source(trace) {
    const { recording, k } = this.at;
    if (trace === null || trace >= this.ghosts) return [recording, k];
    const before = this.ghost.recording;
    const whole = this.bound.some((one) => one.trace === trace && one.ref.when === "history");
    return [before, whole ? before.length - 1 : before.frameAtStep(recording.before(k)?.step ?? 0)];
  }

  /** The whole figure, with its data if there are any yet.  Zoom survives by `uirevision`. */
  #react() {
    const fill = (trace) => (ref) => (this.at ? this.#value(ref, trace) : []);
    const data = this.traces.map((trace, i) => ({
      ...replaceRefs(trace, fill(i)),
      visible: this.#isVisible(trace),
    }));
    const layout = {
      ...replaceRefs(this.figure.layout, this.at ? fill(null) : () => undefined),
      template: this.kit.template,
      uirevision: this.figure.key,
      dragmode: coarsePointer.matches ? false : "zoom", // a finger scrolls the page
      autosize: true,
    };
    this.kit.Plotly.react(this.node, data, layout, CONFIG);
  }
}

/** Whether only coordinates of lines move, on axes that do not. */
function isAnimated({ data, layout }, bound) {
  const fixed = (name) => Array.isArray(layout[name.replace(/^[xy]/, "$&axis")]?.range);
  return (
    bound.every(({ trace, path }) => trace !== null && path.length === 1) &&
    data.every(({ type, xaxis = "x", yaxis = "y" }) => type === "scatter" && fixed(xaxis) && fixed(yaxis))
  );
}

/** Line traces of the run before, in grey, to lie behind those of this one. */
function ghostTraces(figure) {
  return figure.data
    .filter(({ type, mode }) => type === "scatter" && (mode ?? "lines").includes("lines"))
    .filter(({ meta }) => meta?.variant && meta.ghost !== false)
    .map((trace) => ({
      ...trace,
      mode: "lines",
      line: { ...trace.line, color: GHOST, width: 1.25 },
      opacity: 0.5,
      hoverinfo: "skip",
      meta: { ...trace.meta, ghost: true },
    }));
}
