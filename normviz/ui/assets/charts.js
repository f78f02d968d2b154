// One chart: a declared figure, drawn by Plotly into a node that stays for as long as the page does.
//
// What stands still is drawn by Plotly (`react`, `update`); while a recording plays, traces that keep their
// shape are moved in place (moving.js), and Plotly catches up at every pause and under the pointer.
//
// A visitor's zoom is kept here: Plotly would lose it where an axis follows the recording.

import { ghostsOf } from "./ghosts.js";
import { isMovable, move } from "./moving.js";
import { printed } from "./notes.js";
import { findRefs, lookup, replaceRefs, stamp } from "./refs.js";
import { enlarged } from "./theme.js";
import { locale } from "./words.js";

const CONFIG = { displayModeBar: false, responsive: false, doubleClick: false, showTips: false };
const coarsePointer = window.matchMedia("(pointer: coarse)");

/** A path inside a figure in Plotly's notation: ["shapes", 0, "x0"] is "shapes[0].x0". */
const written = (path) =>
  path.reduce((text, key) => (typeof key === "number" ? `${text}[${key}]` : text ? `${text}.${key}` : key), "");

export class Chart {
  /**
   * @param kit {Plotly, template, scale, free}
   * @param hidden variants that are not shown
   */
  constructor(kit, node, hidden) {
    this.kit = kit;
    this.node = node;
    this.hidden = hidden;
    this.zoom = new Map(); // ranges that the visitor has chosen, by the name of the axis
    this.restored = 0; // how often they were given up
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
  set(declared, ghost, at) {
    this.declared = declared;
    const figure = enlarged(this.kit.free ? freed(declared) : declared, this.kit.scale);
    this.figure = figure;
    this.ghost = ghost;
    const ghosts = ghost ? ghostsOf(ghost.figure) : [];
    this.ghosts = ghosts.length;
    this.traces = [...ghosts, ...figure.data];
    this.bound = [
      ...this.traces.flatMap((trace, i) => findRefs(trace).map((found) => ({ ...found, trace: i }))),
      ...findRefs(figure.layout).map((found) => ({ ...found, trace: null })),
    ];
    this.moving = [...new Set(this.bound.map(({ trace }) => trace))].filter((trace) => trace !== null);
    this.parts = this.traces.map((trace, i) => {
      const bound = this.bound.filter((one) => one.trace === i);
      return { i, bound, movable: isMovable(trace, bound.map(({ path }) => path)) };
    });
    this.at = at;
    this.drawn = at ? this.#stamps() : null;
    this.#react();
    if (!this.heard) this.#hear();
  }

  /** Take the axes as the kit wants them now. */
  rescale() {
    this.restored += 1;
    this.zoom.clear();
    this.set(this.declared, this.ghost, this.at);
  }

  /**
   * Draw what stands at frame k.
   * @param moving another picture will follow soon
   * @returns a promise of the picture, or null if nothing has changed
   */
  draw(recording, k, cursors, moving) {
    this.at = { recording, k, cursors };
    const stamps = this.#stamps();
    const same = this.drawn !== null && stamps.every((one, i) => one === this.drawn[i]);
    if (same && (this.exact || moving)) return null;
    const before = this.drawn;
    this.drawn = stamps;
    this.exact = !(moving && before && this.#move(before));
    return this.exact ? this.#restyle() : Promise.resolve();
  }

  /** Move what changed since the stamps `before` in place; false if some of that is beyond it. */
  #move(before) {
    const changed = new Set(this.bound.filter((_, i) => this.drawn[i] !== before[i]).map(({ trace }) => trace));
    if (changed.has(null)) return false;
    return this.parts.filter(({ i }) => changed.has(i)).every(({ i, bound, movable }) => {
      const given = this.node.data[i];
      const now = Object.fromEntries(bound.map(({ path, ref }) => [written(path), this.#value(ref, i)]));
      if (movable) return move(this.node, i, { x: given.x, y: given.y, z: given.z, ...now });
      return bound.every(({ path }) => sameValue(path.reduce((part, key) => part?.[key], given), now[written(path)]));
    });
  }

  #restyle() {
    const restyle = {};
    const relayout = {};
    for (const { trace, path, ref } of this.bound) {
      const name = written(path);
      if (trace === null && this.zoom.has(path[0]) && path[1] === "range") continue;
      if (trace === null) relayout[name] = this.#value(ref, trace);
      else {
        restyle[name] ??= new Array(this.moving.length); // a hole leaves that trace as it is
        restyle[name][this.moving.indexOf(trace)] = this.#value(ref, trace);
      }
    }
    return this.kit.Plotly.update(this.node, restyle, relayout, this.moving);
  }

  /** Remember where the visitor zooms to, until a double click gives it up. */
  #hear() {
    this.heard = true;
    this.node.on("plotly_relayout", (told) => {
      for (const key of Object.keys(told)) {
        const [, name] = /^([xy]axis\d*)\.range/.exec(key) ?? [];
        if (name) this.zoom.set(name, [...this.node._fullLayout[name].range]);
      }
      const wide = ([name, range]) => zoomed(this.node._fullLayout[name], range).dtick === null;
      if ([...this.zoom].some(wide)) this.#react();
    });
    this.node.on("plotly_hover", () => typeset(this.node));
    this.node.on("plotly_doubleclick", () => {
      this.restored += 1;
      this.zoom.clear();
      this.#react();
    });
  }

  /** Show all variants but these. */
  hide(variants) {
    this.hidden = variants;
    this.drawn = null; // what was moved only is drawn anew
    this.kit.Plotly.restyle(this.node, { visible: this.traces.map((trace) => this.#isVisible(trace)) });
  }

  /** Draw again in the colours of the kit, and in its size of type. */
  retheme() {
    this.set(this.declared, this.ghost, this.at);
  }

  resize() {
    if (this.node.offsetParent) this.kit.Plotly.Plots.resize(this.node); // hidden or gone: it would be refused
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
    return [before, whole ? before.length - 1 : before.frameAt(recording.position(k))];
  }

  /** The whole figure, with its data if there are any yet. */
  #react() {
    this.exact = true;
    const fill = (trace) => (ref) => (this.at ? this.#value(ref, trace) : []);
    const data = this.traces.map((trace, i) => ({
      ...replaceRefs(trace, fill(i)),
      visible: this.#isVisible(trace),
    }));
    const layout = {
      ...replaceRefs(this.figure.layout, this.at ? fill(null) : () => undefined),
      template: this.kit.template,
      uirevision: `${this.figure.key} ${this.restored}`,
      dragmode: coarsePointer.matches ? false : "zoom", // a finger scrolls the page
      autosize: true,
    };
    for (const [name, range] of this.zoom) {
      if (layout[name]) layout[name] = zoomed(layout[name], range);
    }
    this.kit.Plotly.react(this.node, data, layout, { ...CONFIG, ...locale() });
  }
}

/** An axis of which a part is shown: ticks that are set for the whole would be too far apart. */
function zoomed(axis, range) {
  const wide = typeof axis.dtick === "number" && Math.abs(range[1] - range[0]) < 2 * axis.dtick;
  return { ...axis, range: [...range], autorange: false, ...(wide && { dtick: null }) };
}

/** A figure whose axes follow its data, each in its own scale; those along steps and layers stay as they are. */
function freed(figure) {
  const layout = Object.entries(figure.layout).map(([key, part]) => {
    if (!/^[xy]axis\d*$/.test(key) || ["step", "layer"].includes(figure.roles[key[0]])) return [key, part];
    const { range, ...axis } = part;
    return [key, { ...axis, autorange: true }];
  });
  return { ...figure, layout: Object.fromEntries(layout) };
}

/** Whether two resolved values are equal, element by element. */
function sameValue(one, other) {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return Object.is(one, other);
  return one.length === other.length && one.every((value, i) => sameValue(value, other[i]));
}

/** Minus signs and powers of ten in what is told under the pointer, where Plotly's number formats write "-1e-7". */
function typeset(node) {
  const texts = document.createTreeWalker(node.querySelector(".hoverlayer"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const said = texts.currentNode;
    const set = said.data.replace(/(^|[\s(:])(-?\d[\d.,]*(?:e[+-]?\d+)?)/g, (_, before, one) => before + printed(one));
    if (set !== said.data) said.data = set;
  }
}
