// Marks over a chart: the cursor's step, the chosen layer, the layer under the pointer.
//
// They are plain elements above the plot, so that moving one costs nothing; Plotly's axes say where.

/** The mark layer of one chart. */
export class Marks {
  /**
   * @param box the positioned element that holds the plot
   * @param node Plotly's node inside it
   * @param on {seekStep(step), layer(index), hover(index or null), signal}
   */
  constructor(box, node, on) {
    this.box = box;
    this.node = node;
    this.on = on;
    this.roles = {};
    this.layers = [];
    this.elements = new Map();
    this.used = new Set();
    this.#listen();
  }

  /** @param layers coordinates of the layers on a "layer" axis */
  set(roles, layers) {
    this.roles = roles;
    this.layers = layers;
  }

  /** Put the marks where they belong.  `hover` may be null. */
  place({ step, layer, hover }) {
    this.used.clear();
    for (const panel of panelsOf(this.node)) {
      for (const letter of ["x", "y"]) {
        if (this.roles[letter] === "step") this.#line(panel, letter, step);
        if (this.roles[letter] === "layer") {
          this.#band(panel, letter, layer, "nv-chosen");
          if (hover !== null && hover !== layer) this.#band(panel, letter, hover, "nv-hovered");
        }
      }
    }
    for (const [name, element] of this.elements) element.hidden = !this.used.has(name);
  }

  #line(panel, letter, value) {
    if (value === null) return;
    const at = panel[letter].d2p(value);
    if (at >= -0.5 && at <= panel[letter]._length + 0.5) this.#show(panel, letter, "nv-step", at, at);
  }

  #band(panel, letter, index, look) {
    const value = this.layers[index];
    if (value === undefined) return;
    const ends = [panel[letter].d2p(value - 0.5), panel[letter].d2p(value + 0.5)].sort((a, b) => a - b);
    const [low, high] = ends.map((one) => Math.max(0, Math.min(panel[letter]._length, one)));
    if (high > low) this.#show(panel, letter, look, low, high);
  }

  /** A mark across the whole panel, from `low` to `high` pixels along one axis. */
  #show(panel, letter, look, low, high) {
    const name = `${panel.id} ${letter} ${look}`;
    this.used.add(name);
    let element = this.elements.get(name);
    if (!element) {
      element = document.createElement("div");
      element.className = `nv-mark ${look}`;
      element.dataset.axis = letter;
      this.box.append(element);
      this.elements.set(name, element);
    }
    const other = letter === "x" ? panel.y : panel.x;
    const along = [panel[letter]._offset + low, high - low];
    const across = [other._offset, other._length];
    const [[left, width], [top, height]] = letter === "x" ? [along, across] : [across, along];
    const style = `translate(${left}px,${top}px)|${width}|${height}`;
    if (element.dataset.at === style) return;
    element.dataset.at = style;
    element.style.transform = `translate(${left}px, ${top}px)`;
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
  }

  /** A click chooses a layer or goes to a step; moving over a chart points at a layer. */
  #listen() {
    onStillClick(this.box, this.on.signal, (event) => {
      const hit = this.#hit(event);
      if (hit?.layer !== undefined) this.on.layer(hit.layer);
      if (hit?.step !== undefined) this.on.seekStep(hit.step);
    });
    this.box.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") this.on.hover(this.#hit(event)?.layer ?? null);
    });
    this.box.addEventListener("pointerleave", () => this.on.hover(null));
  }

  /** The step and the layer under the pointer, as far as the axes of that panel mean them. */
  #hit(event) {
    const { left, top } = this.box.getBoundingClientRect();
    const point = { x: event.clientX - left, y: event.clientY - top };
    const panel = panelAt(this.node, point);
    if (!panel) return null;
    const hit = {};
    for (const letter of ["x", "y"]) {
      const value = panel[letter].p2d(point[letter] - panel[letter]._offset);
      if (this.roles[letter] === "step") hit.step = value;
      if (this.roles[letter] === "layer") hit.layer = nearest(this.layers, value);
    }
    return hit;
  }
}

/** The panels that Plotly has drawn: {id, x, y}, with its axes. */
export function panelsOf(node) {
  const full = node._fullLayout;
  if (!full?._subplots) return [];
  return full._subplots.cartesian.map((id) => {
    const [, x, y] = /^(x\d*)(y\d*)$/.exec(id);
    const axis = (name) => full[`${name[0]}axis${name.slice(1)}`];
    return { id, x: axis(x), y: axis(y) };
  });
}

/** The panel that holds a point {x, y}, in pixels from the corner of the plot. */
export function panelAt(node, point) {
  const holds = (panel) =>
    ["x", "y"].every((letter) => {
      const at = point[letter] - panel[letter]._offset;
      return at >= 0 && at <= panel[letter]._length;
    });
  return panelsOf(node).find(holds) ?? null;
}

/** Call `act(event)` at every click on a box that is not the end of a drag. */
export function onStillClick(box, signal, act) {
  let down = null;
  box.addEventListener("pointerdown", (event) => (down = [event.clientX, event.clientY]), true);
  window.addEventListener(
    "pointerup",
    (event) => {
      // Where the button went down counts: by now Plotly has laid its own cover over the whole page.
      const still = down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) < 4;
      down = null;
      if (still) act(event);
    },
    { capture: true, signal },
  );
}

function nearest(values, value) {
  let best;
  values.forEach((one, i) => {
    if (best === undefined || Math.abs(one - value) < Math.abs(values[best] - value)) best = i;
  });
  return best;
}
