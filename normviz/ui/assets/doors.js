// Doors: the cells of a figure's maps lead to other pages.
//
// A click on a cell goes there.  Under the chart one cell is always named, with a link: the one under the
// pointer, or the one that the arrow keys have chosen while the link has the focus, so that Enter opens it.

import { element, setText } from "./elements.js";
import { onStillClick, panelAt, panelsOf } from "./marks.js";
import { fill } from "./notes.js";
import { said, t } from "./words.js";

/** Fill a template of an address: every value becomes a part of it that cannot break out. */
const addressed = (template, values) =>
  fill(template, Object.fromEntries(Object.entries(values).map(([name, one]) => [name, encodeURIComponent(one)])));

export class Doors {
  /**
   * @param box the positioned element that holds the plot
   * @param node Plotly's node inside it
   * @param on {signal}
   */
  constructor(box, node, on) {
    this.box = box;
    this.node = node;
    this.opens = null;
    this.chosen = null; // {map, i, j}: which trace, column, row
    this.link = element("a", { className: "nv-door-link" }, t("Open this run"));
    this.told = element("span", {});
    const hint = element("span", { className: "nv-hint" }, t("Click a cell, or use the arrow keys and Enter."));
    this.line = element("p", { className: "nv-door", hidden: true }, this.link, this.told, hint);
    this.outline = element("div", { className: "nv-mark nv-cell", hidden: true });
    box.append(this.outline);
    this.link.addEventListener("keydown", (event) => this.#key(event));
    for (const [name, live] of [["focus", "polite"], ["blur", "off"]]) {
      this.link.addEventListener(name, () => {
        this.told.setAttribute("aria-live", live); // not while a mouse moves about
        this.show();
      });
    }
    box.addEventListener("pointermove", (event) => this.#point(event));
    box.addEventListener("pointerleave", () => this.#leave());
    onStillClick(box, on.signal, (event) => this.#click(event));
  }

  /** @param opens {to, says, value, nothing}, or null: the cells lead nowhere */
  set(opens) {
    this.opens = opens ?? null;
    this.line.hidden = this.opens === null;
  }

  /** Say what stands in the chosen cell now. */
  show() {
    if (!this.opens) return;
    const maps = this.#maps();
    if (!maps.length) return;
    if (!maps[this.chosen?.map]) this.chosen = null;
    this.chosen ??= { map: 0, i: middle(maps[0].x), j: middle(maps[0].y) };
    const { map, i, j } = this.chosen;
    const { x, y, z, meta, name } = maps[map];
    const values = { x: x[i], y: y[j], z: z[j]?.[i], variant: meta?.variant ?? "", name };
    const value = Number.isFinite(values.z) ? said(this.opens.value, values) : this.opens.nothing;
    const says = said(this.opens.says, values);
    setText(this.told, `${says}: ${value}.`);
    this.link.href = addressed(this.opens.to, values);
    this.link.setAttribute("aria-label", t("Open this run: {says}", { says }));
    this.#frame(maps[map]);
  }

  /** The maps that are on screen. */
  #maps() {
    const drawn = this.node.data ?? [];
    return drawn.filter(({ type, visible, x }) => type === "heatmap" && visible !== false && x?.length);
  }

  /** Draw the outline of the chosen cell, while somebody is choosing. */
  #frame(trace) {
    this.outline.hidden = !this.pointing && document.activeElement !== this.link;
    const panel = this.#panelOf(trace);
    if (this.outline.hidden || !panel) return;
    const [left, right] = edges(panel.x, trace.x, this.chosen.i);
    const [top, bottom] = edges(panel.y, trace.y, this.chosen.j);
    this.outline.style.transform = `translate(${left}px, ${top}px)`;
    this.outline.style.width = `${right - left}px`;
    this.outline.style.height = `${bottom - top}px`;
  }

  #panelOf(trace) {
    return panelsOf(this.node).find(({ id }) => id === `${trace.xaxis ?? "x"}${trace.yaxis ?? "y"}`);
  }

  /** The cell under the pointer, or null. */
  #cellAt(event) {
    const { left, top } = this.box.getBoundingClientRect();
    const point = { x: event.clientX - left, y: event.clientY - top };
    const panel = panelAt(this.node, point);
    const maps = this.#maps();
    const map = maps.findIndex((trace) => panel && this.#panelOf(trace)?.id === panel.id);
    if (map < 0) return null;
    return { map, i: nearest(panel.x, maps[map].x, point.x), j: nearest(panel.y, maps[map].y, point.y) };
  }

  #point(event) {
    if (!this.opens || event.pointerType === "touch") return;
    const cell = this.#cellAt(event);
    this.pointing = cell !== null;
    if (cell) this.chosen = cell;
    this.box.classList.toggle("nv-leads", cell !== null);
    this.show();
  }

  #leave() {
    this.pointing = false;
    this.show();
  }

  /** A mouse opens; a finger, which cannot hover, chooses first. */
  #click(event) {
    const cell = this.opens ? this.#cellAt(event) : null;
    if (!cell) return;
    this.chosen = cell;
    this.pointing = true;
    this.show();
    if (event.pointerType === "touch" || event.button > 1) return;
    if (event.ctrlKey || event.metaKey || event.button === 1) window.open(this.link.href, "_blank", "noopener");
    else window.location.assign(this.link.href);
  }

  /** Arrow keys choose a cell; beyond the edge of a map comes the next one. */
  #key(event) {
    const [across, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if ((!across && !up) || !this.chosen) return;
    event.preventDefault();
    event.stopPropagation(); // the stage would step through the frames
    const maps = this.#maps();
    let { map, i, j } = this.chosen;
    i += across;
    if (i < 0 && map > 0) i = maps[(map -= 1)].x.length - 1;
    else if (i >= maps[map].x.length && map < maps.length - 1) [map, i] = [map + 1, 0];
    const within = (at, n) => Math.max(0, Math.min(at, n - 1));
    this.chosen = { map, i: within(i, maps[map].x.length), j: within(j + up, maps[map].y.length) };
    this.show();
  }
}

const middle = (places) => Math.floor(places.length / 2);

/** Pixels from the box's edge of a coordinate along an axis. */
const toPixel = (axis, value) => axis._offset + axis.d2p(value);

function nearest(axis, places, at) {
  const distances = Array.from(places, (one) => Math.abs(toPixel(axis, one) - at));
  return distances.indexOf(Math.min(...distances));
}

/** Pixels at which a cell begins and ends: half-way to its neighbours. */
function edges(axis, places, k) {
  const at = Array.from(places, (one) => toPixel(axis, one));
  const half = places.length > 1 ? Math.abs(at[k] - at[k > 0 ? k - 1 : 1]) / 2 : axis._length / 2;
  return [at[k] - half, at[k] + half];
}
