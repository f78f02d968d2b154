/**
 * The board of the Start page: digits as tiles, framed by the batches in which they are predicted.
 *
 * A tile stays the same element from batch to batch, so that the eye can follow it when it moves.  For
 * assistive technology the board is a list box of options in groups; the arrow keys walk over the picture.
 */

import { Carrying } from "./carrying.js";
import { read } from "./start_words.js";
import { t } from "./words.js";

const MOVE = { duration: 450, easing: "cubic-bezier(.3,.7,.2,1)" };
const BATCH_COLUMNS = { 1: 1, 2: 2, 4: 2, 8: 4, 16: 4, 32: 8, 64: 16 }; // the whole board is 16 (or 8) wide

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Draw one digit, a canvas pixel for each of its pixels, in `ink` (any CSS colour); 0 is transparent. */
export function drawDigit(canvas, pixels, side, ink) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.fillStyle = ink;
  pixels.forEach((value, k) => {
    context.globalAlpha = value / 16;
    context.fillRect(k % side, Math.floor(k / side), 1, 1);
  });
}

export class Board {
  /**
   * `digits`: [{pixels, label}]; `choose(i)` is called when digit i is pointed at or focused, `place(i, j)` when
   * digit i is to change places with digit j of another batch, `carried(i)` when i is taken up (null: let go).
   */
  constructor(element, digits, { choose, place, carried }) {
    this.element = element;
    this.digits = digits;
    this.choose = choose;
    this.carrying = new Carrying(this, { place, carried });
    this.tiles = digits.map((_, i) => this.#tile(i));
    this.chosen = -1;
    element.addEventListener("keydown", (event) => this.#walk(event));
  }

  #tile(i) {
    const tile = document.createElement("div");
    tile.className = "nvt-tile";
    tile.tabIndex = -1;
    tile.dataset.digit = i;
    tile.setAttribute("role", "option");
    tile.innerHTML = '<canvas aria-hidden="true"></canvas><b class="nvt-says" aria-hidden="true"></b>';
    // Pointing chooses on a mouse alone: a finger that scrolls over the board means to scroll.
    tile.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && !this.carrying.held && this.choose(i));
    tile.addEventListener("click", () => this.carrying.clicked(i) || this.choose(i));
    tile.addEventListener("focus", () => this.choose(i));
    return tile;
  }

  /** Paint all digits in the text colour of the theme. */
  paint() {
    const ink = getComputedStyle(this.element).color;
    this.tiles.forEach((tile, i) => drawDigit(tile.firstChild, this.digits[i].pixels, 8, ink));
  }

  /** Deal the digits, in this order, into batches of `batch`; tiles travel to their new places. */
  deal(order, batch) {
    const before = this.element.childElementCount && !still() ? this.#places() : null;
    const frames = [];
    for (let from = 0; from < order.length; from += batch) {
      const frame = document.createElement("div");
      frame.className = "nvt-batch";
      frame.dataset.number = frames.length + 1;
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", t("Batch {n} of {of}", { n: frames.length + 1, of: order.length / batch }));
      frame.append(...order.slice(from, from + batch).map((i) => this.tiles[i]));
      frames.push(frame);
    }
    order.forEach((i, place) => this.tiles[i].style.setProperty("--place", place));
    this.element.style.setProperty("--batch-columns", BATCH_COLUMNS[batch]);
    this.element.dataset.batch = batch;
    this.element.replaceChildren(...frames);
    if (before) this.#travel(before);
    this.#outline();
  }

  #places() {
    return this.tiles.map((tile) => ({
      box: tile.getBoundingClientRect(), // where it is now, even in the middle of an earlier journey
      backgroundColor: getComputedStyle(tile).backgroundColor,
    }));
  }

  #travel(before) {
    const after = this.tiles.map((tile) => tile.getBoundingClientRect());
    this.tiles.forEach((tile, i) => {
      const { box, backgroundColor } = before[i], to = after[i];
      const transform = `translate(${box.x - to.x}px, ${box.y - to.y}px) scale(${box.width / to.width})`;
      tile.animate([{ transform, transformOrigin: "0 0", backgroundColor }, { transformOrigin: "0 0" }], MOVE);
    });
  }

  /**
   * Show the answers: `answers[i]` is the label that digit i gets, or null where there is no answer; `before`
   * maps the digits whose label has just changed to the label that they had.
   */
  answer(answers, before = new Map()) {
    this.tiles.forEach((tile, i) => {
      const { label } = this.digits[i], says = answers ? answers[i] : null;
      const verdict = says === null ? "silent" : says === label ? "right" : "wrong";
      tile.dataset.verdict = verdict;
      // A right tile keeps the label it loses, so that the label can fade out.
      if (verdict !== "right") tile.lastChild.textContent = verdict === "wrong" ? says : "?";
      tile.classList.toggle("nvt-changed", before.has(i));
      tile.setAttribute("aria-label", read(verdict, { label, says, was: before.get(i) }));
    });
  }

  /** Mark digit i and the batch it is in. */
  mark(i) {
    this.chosen = i;
    this.#outline();
  }

  #outline() {
    this.tiles.forEach((tile, i) => {
      const is = i === this.chosen;
      tile.setAttribute("aria-selected", is);
      tile.tabIndex = is ? 0 : -1;
    });
    for (const frame of this.element.children) {
      frame.classList.toggle("nvt-chosen", frame.contains(this.tiles[this.chosen]));
    }
  }

  #walk(event) {
    const from = this.tiles.indexOf(event.target);
    const ahead = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const seen = [...this.element.querySelectorAll(".nvt-tile")];
    let to = null;
    if (from < 0 || this.carrying.key(event, from)) return;
    if (ahead) to = nearest(this.tiles[from], seen, ahead);
    else if (event.key === "Home") to = seen[0];
    else if (event.key === "End") to = seen.at(-1);
    else if (event.key !== " ") return;
    event.preventDefault(); // the page must not scroll under the reader
    to?.focus();
  }
}

/** The tile next to `tile` in the direction `ahead`: straight on first, then the least sideways. */
function nearest(tile, tiles, [dx, dy]) {
  const here = tile.getBoundingClientRect();
  let best = null, least = Infinity;
  for (const other of tiles) {
    const there = other.getBoundingClientRect();
    const x = there.x - here.x, y = there.y - here.y;
    const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along > here.width / 2 && along + 4 * aside < least) [best, least] = [other, along + 4 * aside];
  }
  return best;
}
