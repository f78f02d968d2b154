/**
 * A small tensor as cells: a column for each sample, a row for each channel, in each crossing the picture or
 * the steps.  Of a weight tensor there is a column for each unit.
 *
 * A cell is pointed at (its group lights up), pinned by a click or by focus, and dragged up or down to change
 * its value.  For assistive technology the board is a grid; the arrow keys walk over the picture.
 */

import { place, sizes } from "./norms_dissected.js";
import { numeral, t } from "./words.js";

const BLUE = [33, 102, 172], ORANGE = [196, 98, 16];
const PALE = { light: [246, 246, 243], dark: [38, 43, 52] };
const FORMS = { 2: "1d", 3: "sequence", 4: "2d" };
const DRAG = 40; // pixels for a change of 1
const REST = { group: 0.78, alone: 0.4 }; // how far a cell outside the group fades

const mix = (a, b, t) => a.map((v, k) => v + (b[k] - v) * t);
const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

/** Colour of a value in [-1, 1]: blue below zero, orange above, pale in between. */
export function colourOf(v, scheme) {
  return mix(PALE[scheme], v < 0 ? BLUE : ORANGE, Math.min(1, Math.abs(v)) ** 0.8);
}

/** Black or white, whichever is easier to read on a colour; one of them always has 4.5 to 1. */
function inkOn(rgb) {
  const linear = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? "#000" : "#fff";
}

/** A number for a cell, with a true minus sign. */
export const short = (v) => {
  const text = v.toFixed(1);
  return numeral((text === "-0.0" ? "0.0" : text).replace("-", "−"));
};

/** A gradient for a cell: two digits, without the zero before the point. */
const shorter = (v) => (Math.abs(v) < 0.005 ? "0" : numeral(v.toFixed(2).replace(/^(-?)0\./, "$1.").replace("-", "−")));

export class Board {
  /** `act`: {point(i or null), pin(i), push(i, amount), drop()}, what a visitor does to cells. */
  constructor(element, act) {
    this.element = element;
    this.act = act;
    this.cells = [];
    element.addEventListener("pointerover", (event) => {
      const i = this.#index(event.target);
      if (event.pointerType !== "mouse" || this.dragging || i === this.released) return;
      this.released = undefined;
      act.point(i);
    });
    element.addEventListener("pointerleave", () => this.dragging || act.point(null));
    element.addEventListener("focusin", (event) => {
      const i = this.#index(event.target);
      if (i !== null && !this.dragging) act.pin(i);
    });
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("pointerdown", (event) => this.#grab(event));
  }

  #index(target) {
    const cell = target.closest(".nva-cell");
    return cell ? Number(cell.dataset.cell) : null;
  }

  /** Lay out cells: `form` {shape, weights, samples: [{label, pixels}], channels: [name]}. */
  build({ shape, weights, samples, channels }) {
    this.shape = shape;
    const { n, positions } = sizes(shape), side = Math.sqrt(positions);
    const width = weights ? 3 : shape.length === 4 ? side : positions;
    this.element.dataset.form = weights ? "weights" : FORMS[shape.length];
    this.element.style.setProperty("--columns", weights ? channels.length : n);
    this.element.style.setProperty("--width", width);
    this.cells = Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => this.#cell(i));
    this.where = this.cells.map((_, i) => {
      const at = place(i, shape), [row, column] = [Math.floor(at.s / width) + 1, (at.s % width) + 1];
      const told = { sample: at.n + 1, name: channels[at.c], step: at.s + 1, row, column };
      if (weights) return t("filter {name}, row {row}, column {column}", told);
      if (shape.length === 4) return t("sample {sample}, channel {name}, row {row}, column {column}", told);
      return shape.length === 3 ? t("sample {sample}, channel {name}, step {step}", told) : t("sample {sample}, channel {name}", told);
    });
    const rows = weights ? [this.#weightsRow(channels)] : channels.map((name, c) => this.#row(name, c, n));
    this.element.replaceChildren(this.#head(weights ? channels : samples, weights), ...rows);
  }

  #cell(i) {
    const cell = document.createElement("div");
    cell.className = "nva-cell";
    cell.dataset.cell = i;
    cell.tabIndex = -1;
    cell.setAttribute("role", "gridcell");
    return cell;
  }

  #head(columns, weights) {
    const head = document.createElement("div");
    head.className = "nva-head";
    head.setAttribute("aria-hidden", "true");
    head.append(document.createElement("span"), ...columns.map((column, k) => {
      const one = document.createElement("span");
      if (weights) one.textContent = column;
      else one.innerHTML = `<canvas width="8" height="8"></canvas><small>${t("sample {n}", { n: k + 1 })}</small>`;
      return one;
    }));
    return head;
  }

  #row(name, c, n) {
    const { channels, positions } = sizes(this.shape);
    const blocks = Array.from({ length: n }, (_, k) => {
      const from = (k * channels + c) * positions;
      return this.#block(this.cells.slice(from, from + positions));
    });
    return this.#line(`<b>${name}</b><small>${t("channel {n}", { n: c + 1 })}</small><span class="nva-kept"></span>`, name, blocks);
  }

  #weightsRow(names) {
    const { positions } = sizes(this.shape);
    const blocks = names.map((_, o) => this.#block(this.cells.slice(o * positions, (o + 1) * positions)));
    return this.#line(`<b>${t("weights")}</b><small>${t("3×3 each")}</small>`, t("weights"), blocks);
  }

  #line(label, name, blocks) {
    const line = document.createElement("div");
    line.className = "nva-row";
    line.setAttribute("role", "row");
    line.setAttribute("aria-label", name);
    const head = document.createElement("div");
    head.className = "nva-label";
    head.setAttribute("role", "rowheader");
    head.innerHTML = label;
    line.append(head, ...blocks);
    return line;
  }

  #block(cells) {
    const block = document.createElement("div");
    block.className = "nva-block";
    block.setAttribute("role", "presentation");
    block.append(...cells);
    return block;
  }

  /** Draw the digits above their columns in the text colour of the theme. */
  drawSamples(samples) {
    const ink = getComputedStyle(this.element).color;
    this.element.querySelectorAll(".nva-head canvas").forEach((canvas, k) => {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, 8, 8);
      context.fillStyle = ink;
      samples[k].pixels.forEach((value, at) => {
        context.globalAlpha = value / 16;
        context.fillRect(at % 8, Math.floor(at / 8), 1, 1);
      });
    });
  }

  /**
   * Colour and write all cells.
   * `values` by cell, `scale` the value of full colour, `lit` a Set of cells, `chosen` the cell whose group it
   * is, `pinned`, `gradient` whether values are small, `changed` (i) => boolean, `symbol` what the values are.
   */
  paint({ values, scale, gradient, lit, chosen, pinned, changed, symbol, scheme }) {
    const faint = PALE[scheme], rest = lit.size > 1 ? REST.group : REST.alone;
    this.cells.forEach((cell, i) => {
      const full = colourOf(values[i] / scale, scheme);
      const colour = lit.has(i) ? full : mix(full, faint, rest);
      cell.style.backgroundColor = css(colour);
      cell.style.color = inkOn(colour.map(Math.round));
      cell.textContent = gradient ? shorter(values[i]) : short(values[i]);
      cell.classList.toggle("nva-lit", lit.has(i));
      cell.classList.toggle("nva-chosen", i === chosen);
      cell.classList.toggle("nva-changed", changed(i));
      cell.tabIndex = i === pinned ? 0 : -1;
      cell.setAttribute("aria-selected", i === pinned);
      cell.setAttribute("aria-label", `${this.where[i]}: ${symbol} ${numeral(values[i].toFixed(2))}`);
    });
  }

  // --- what is done to cells ------------------------------------------------------------------------

  #grab(event) {
    const i = this.#index(event.target);
    if (i === null || event.button !== 0) return;
    const known = this.cells[i].tabIndex === 0; // a tap has focused it, and so pinned it
    // A finger that sweeps over the board means to scroll; on the cell it has pinned, it means to drag.
    if (event.pointerType !== "mouse" && !known) return;
    this.act.pin(i);
    event.preventDefault();
    this.dragging = true;
    this.cells[i].focus({ preventScroll: true });
    this.element.classList.add("nva-dragging");
    this.element.setPointerCapture(event.pointerId);
    let at = event.clientY;
    const move = (moved) => {
      this.act.push(i, (at - moved.clientY) / DRAG);
      at = moved.clientY;
    };
    const end = (ended) => {
      this.dragging = false;
      // The hand lets go over some other cell; the one it has moved stays in view until it points anew.
      const under = document.elementFromPoint(ended.clientX, ended.clientY);
      this.released = under ? this.#index(under) : undefined;
      this.element.classList.remove("nva-dragging");
      this.element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.element.removeEventListener(name, end);
      this.act.drop();
    };
    this.element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, end);
  }

  #key(event) {
    const i = this.#index(event.target);
    if (i === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key, shiftKey } = event;
    const push = { "+": 0.1, "=": 0.1, "-": -0.1, PageUp: 1, PageDown: -1 }[key]
      ?? (shiftKey ? { ArrowUp: 0.1, ArrowDown: -0.1 }[key] : undefined);
    const ahead = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (push === undefined && !ahead && !["Home", "End"].includes(key)) return;
    event.preventDefault(); // the page must not scroll under the reader
    if (push !== undefined) {
      this.act.push(i, push);
      this.act.drop();
    } else if (ahead) this.#nearest(i, ahead)?.focus();
    else this.cells.at(key === "Home" ? 0 : -1).focus();
  }

  /** The cell next to cell i in a direction: straight on first, then the least sideways. */
  #nearest(i, [dx, dy]) {
    const here = this.cells[i].getBoundingClientRect();
    let best = null, least = Infinity;
    for (const other of this.cells) {
      const there = other.getBoundingClientRect();
      const x = there.x - here.x, y = there.y - here.y;
      const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along > here.width / 2 && along + 4 * aside < least) [best, least] = [other, along + 4 * aside];
    }
    return best;
  }
}
