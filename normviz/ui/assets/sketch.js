// A curve that a visitor draws over an empty chart: points over given places, moved by pointer or keys.

import { button, element, vector } from "./elements.js";
import { said, t } from "./words.js";

const KEYS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };
const STEPS = 100; // from one end of the axis to the other

export class Sketch {
  /**
   * @param told {x, start, words}: see figures/predictions.py
   * @param done told the heights of the points
   */
  constructor({ x, start, words }, done) {
    this.x = x;
    this.words = words;
    this.y = x.map(() => start);
    this.axes = null;
    this.line = vector("polyline", { class: "nv-drawn" });
    const drawing = vector("svg", { "aria-hidden": "true" });
    drawing.append(this.line);
    this.points = x.map((_, i) => this.#point(i));
    this.root = element("div", { className: "nv-sketch", role: "group", "aria-label": t("Your guess") }, drawing, ...this.points);
    this.confirm = button({ text: t("This is my guess"), onclick: () => done([...this.y]) });
    this.confirm.classList.add("nv-confirm");
    this.#drag();
  }

  /** Lie over the first panel of Plotly's node, as large as it is now. */
  place(node) {
    const { xaxis, yaxis } = node._fullLayout ?? {};
    if (!xaxis || !yaxis) return;
    this.axes = { x: xaxis, y: yaxis };
    const { style } = this.root;
    [style.left, style.top] = [`${xaxis._offset}px`, `${yaxis._offset}px`];
    [style.width, style.height] = [`${xaxis._length}px`, `${yaxis._length}px`];
    this.#show();
  }

  #point(i) {
    const point = element("div", {
      className: "nv-point", tabIndex: 0, role: "slider", "aria-orientation": "vertical",
      onkeydown: (event) => this.#key(event, i),
    });
    return point;
  }

  #show() {
    const { x, y } = this.axes;
    const places = this.x.map((at, i) => [x.d2p(at), y.d2p(this.y[i])]);
    this.line.setAttribute("points", places.map((one) => one.join(",")).join(" "));
    const ends = y.range.map((end) => y.r2d(end));
    places.forEach(([left, top], i) => {
      const point = this.points[i];
      point.style.transform = `translate(${left}px, ${top}px)`;
      point.setAttribute("aria-valuemin", Math.min(...ends));
      point.setAttribute("aria-valuemax", Math.max(...ends));
      point.setAttribute("aria-valuenow", this.y[i]);
      const words = said(this.words, { x: this.x[i], y: this.y[i] });
      point.setAttribute("aria-valuetext", words);
      point.setAttribute("aria-label", t("Your guess {i} of {n}", { i: i + 1, n: this.x.length }));
      point.dataset.says = words;
    });
  }

  /** Put a point at so many pixels from the top of the panel. */
  #move(i, pixels) {
    const { y } = this.axes;
    this.y[i] = y.p2d(Math.max(0, Math.min(y._length, pixels)));
    this.#show();
  }

  #key(event, i) {
    const { y } = this.axes ?? {};
    const by = KEYS[event.key];
    const end = { Home: y?._length, End: 0 }[event.key];
    if (!y || (by === undefined && end === undefined) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // the stage would step through the frames
    this.#move(i, end ?? y.d2p(this.y[i]) - (by * y._length) / STEPS);
  }

  /** A mouse draws all points in one stroke; a finger moves the one that it touches, and else scrolls the page. */
  #drag() {
    let held = null; // index of the point that is held, -1 for whichever is nearest
    this.root.addEventListener("pointerdown", (event) => {
      held = this.points.indexOf(event.target);
      if (!this.axes || (held < 0 && event.pointerType === "touch")) return (held = null);
      event.stopPropagation();
      event.preventDefault();
      this.root.setPointerCapture(event.pointerId);
      this.#follow(event, held);
    });
    this.root.addEventListener("pointermove", (event) => held !== null && this.#follow(event, held));
    for (const end of ["pointerup", "pointercancel"]) this.root.addEventListener(end, () => (held = null));
  }

  #follow(event, held) {
    const { left, top } = this.root.getBoundingClientRect();
    const distances = this.x.map((at) => Math.abs(this.axes.x.d2p(at) - (event.clientX - left)));
    const i = held < 0 ? distances.indexOf(Math.min(...distances)) : held;
    this.#move(i, event.clientY - top);
    this.points[i].focus({ preventScroll: true });
  }
}
