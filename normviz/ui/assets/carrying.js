/**
 * Carrying a digit of the Start page's board into another batch: dragged with a mouse; or, for touch and keys,
 * taken up first (the button under the board, or Enter) and then placed (a tap, or arrow keys and Enter).
 * Batches keep their size, so the digit changes places with one that is there.
 */

const FAR = 6; // pixels from which on a press is a drag

export class Carrying {
  constructor(board, { place, carried }) {
    Object.assign(this, { board, place, carried, held: false, dragged: null, start: null });
    this.taken = null; // the digit that is taken up
    this.locked = false; // every digit is to stay where it is
    const { element } = board;
    element.addEventListener("pointerdown", (event) => this.#press(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#release(event));
    element.addEventListener("pointercancel", () => this.drop());
    element.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /** Take a digit up, to be placed by a tap or by keys. */
  take(i) {
    this.taken = i;
    this.board.element.classList.add("nvt-placing");
    this.#lift(i);
    this.carried(i);
  }

  /** Let go without placing. */
  drop() {
    const had = this.taken !== null || this.held;
    this.board.tiles.forEach((tile) => {
      tile.classList.remove("nvt-carried");
      tile.style.translate = "";
    });
    this.#aim(null);
    this.board.element.classList.remove("nvt-placing");
    this.start = this.dragged = this.taken = null;
    this.held = false;
    if (had) this.carried(null);
  }

  /** A click on digit j; true if it placed the digit that is carried. */
  clicked(j) {
    if (this.justDragged) {
      this.justDragged = false;
      return true;
    }
    if (this.taken === null) return false;
    this.#put(this.taken, j);
    return true;
  }

  /** A key on digit j; true if it was meant for carrying. */
  key(event, j) {
    if (this.locked) return false;
    if (event.key === "Escape" && this.taken !== null) this.drop();
    else if (event.key !== "Enter") return false;
    else if (this.taken === null) this.take(j);
    else this.#put(this.taken, j);
    event.preventDefault();
    return true;
  }

  /** Digit i changes places with j, if j is in another batch. */
  #put(i, j) {
    const { tiles } = this.board, other = tiles[i].parentElement !== tiles[j].parentElement;
    this.drop();
    if (other) this.place(i, j);
  }

  #lift(i) {
    this.board.tiles[i].classList.add("nvt-carried");
  }

  #press(event) {
    const tile = event.target.closest(".nvt-tile");
    this.justDragged = false;
    if (this.locked || !tile || event.pointerType === "touch" || event.button !== 0 || this.taken !== null) return;
    this.start = { x: event.clientX, y: event.clientY, i: Number(tile.dataset.digit) };
  }

  #move(event) {
    if (!this.start) return;
    const { x, y, i } = this.start, dx = event.clientX - x, dy = event.clientY - y;
    if (!this.held && Math.hypot(dx, dy) < FAR) return;
    if (!this.held) {
      this.held = true;
      this.board.element.setPointerCapture(event.pointerId);
      this.#lift(i);
      this.carried(i);
    }
    this.board.tiles[i].style.translate = `${dx}px ${dy}px`;
    this.#aim(this.#under(event));
  }

  #release(event) {
    const { start, held } = this;
    if (!held) {
      this.start = null;
      return;
    }
    const { tile, frame } = this.#under(event) ?? {};
    this.justDragged = true; // the click that follows is no choice
    setTimeout(() => { this.justDragged = false; }, 0);
    const target = tile ?? frame?.querySelector(".nvt-tile:not(.nvt-carried)");
    if (target) this.#put(start.i, Number(target.dataset.digit));
    else this.drop();
  }

  /** The tile and the batch under the pointer; the carried tile itself does not count. */
  #under(event) {
    const found = document.elementsFromPoint(event.clientX, event.clientY);
    const tile = found.find((one) => one.matches(".nvt-tile:not(.nvt-carried)"));
    const frame = found.find((one) => one.matches(".nvt-batch"));
    return frame && this.board.element.contains(frame) ? { tile, frame } : null;
  }

  #aim(under) {
    const own = this.start ? this.board.tiles[this.start.i].parentElement : null;
    for (const frame of this.board.element.children) {
      frame.classList.toggle("nvt-aimed", frame === under?.frame && frame !== own);
    }
  }
}
