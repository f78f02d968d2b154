/**
 * Anatomy: one small tensor, one norm, taken apart cell by cell.  Everything is computed here; the server is
 * not asked again.  `mount` is called once for the element and again after a change of theme or a rerun.
 */

import { Address } from "./addresses.js";
import { arithmetic, plain, span } from "./anatomy_arithmetic.js";
import { Board, colourOf } from "./anatomy_board.js";
import { Controls } from "./anatomy_controls.js";
import { pairs, written } from "./anatomy_edits.js";
import { LIMITS, Sliders } from "./anatomy_sliders.js";
import { facts, seen, sharing, stageWords } from "./anatomy_words.js";
import { cellsTable } from "./page_tables.js";
import { plotlyAhead } from "./plotly.js";
import { speak, t } from "./words.js";
import { backward, dissect, learned, parameterOf, place, usesBatch } from "./norms_dissected.js";

const skeleton = () => `
  <div class="nva-controls"></div>
  <div class="nva-stages"></div>
  <p class="nva-refused" role="alert" hidden></p>
  <div class="nva-stand">
    <div class="nva-left">
      <p class="nva-caption"><b></b> <span></span></p>
      <div class="nva-board" role="grid" aria-label="${t("The tensor: arrow keys walk, plus and minus change a value")}"></div>
      <div class="nva-scale" aria-hidden="true"><span></span><i></i><span></span></div>
      <p class="nva-how">${t("Point at a cell to see its group; click or tap to keep it, then <b>drag it up or down</b> to change its value. "
        + "Keys: arrows walk, + and − change.")}</p>
    </div>
    <div class="nva-right">
      <div class="nva-whose"></div>
      <dl class="nva-lines"></dl>
      <div class="nva-sliders"></div>
      <button type="button" class="nva-reset" hidden>${t("Reset values")}</button>
      <p class="nva-unlinked" hidden></p>
    </div>
  </div>
  <div class="nva-seen"></div>
  <div class="nva-facts"></div>
  <p class="nva-status" role="status"></p>`;

const BACK = ["dy", "centre", "dx"];

class Anatomy {
  constructor(root, data, tensors) {
    Object.assign(this, { root, data, tensors, settings: { ...data.values } });
    root.innerHTML = skeleton();
    root.setAttribute("aria-label", t("A norm taken apart"));
    this.part("how").hidden = this.hides("cell") || this.hides("dragged");
    this.samples = tensors.pixels.map((pixels, k) => ({ pixels, label: tensors.labels[k] }));
    this.board = new Board(this.part("board"), {
      point: (i) => this.point(i),
      pin: (i) => this.pin(i),
      push: (i, amount) => this.push(i, amount),
      drop: () => this.hides("dragged") || this.settle(),
    });
    this.controls = new Controls(this.part("controls"), this.part("stages"), data, (change) => this.change(change));
    this.sliders = new Sliders(this.part("sliders"), {
      hidden: data.hidden.map((name) => (name === "dragged" ? "x" : name)),
      slide: (name, value) => this.slide(name, value),
      settle: () => this.settle(),
    });
    this.address = new Address(() => ({ values: this.#values, defaults: this.data.defaults }), data.alone);
    this.part("reset").addEventListener("click", () => {
      this.restore();
      this.#move(Object.fromEntries(data.hidden.map((name) => [name, this.data.values[name]])));
      this.address.follow();
      this.board.cells[this.pinned].focus(); // the button itself is gone now
    });
    this.restore();
    this.#move(data.values);
    root.table = () => cellsTable(this.shown, { ...this, chosen: this.pinned, dx: this.#gradient(this.pinned) });
    root.dataset.ready = "";
  }

  part(name) {
    return this.root.querySelector(`.nva-${name}`);
  }

  /** Whether a setting is to stay as the link has it. */
  hides(name) {
    return this.data.hidden.includes(name);
  }

  get weights() {
    return this.settings.norm.startsWith("weight");
  }

  /** Name of the tensor on screen. */
  get shown() {
    return this.weights ? "weights" : this.settings.form;
  }

  get shape() {
    const { weights, forms } = this.tensors;
    return this.weights ? [1, ...weights.shape] : forms[this.settings.form].shape;
  }

  get fact() {
    return this.data.norms.find((norm) => norm.name === this.settings.norm);
  }

  // --- values --------------------------------------------------------------------------------------

  /** All values as they ship. */
  restore() {
    const { weights, forms } = this.tensors;
    this.original = Object.fromEntries(Object.entries({ ...forms, weights }).map(([name, { x }]) => [name, Float64Array.from(x)]));
    this.x = Object.fromEntries(Object.entries(this.original).map(([name, x]) => [name, x.slice()]));
    this.parameters = {};
    this.touched = false;
    this.rebuild();
  }

  /** What the link says was moved. */
  #move(values) {
    const moved = { dragged: this.x[this.shown], ...this.parametersOf(this.settings.norm) };
    for (const [name, all] of Object.entries(moved)) for (const [i, value] of pairs(values[name])) all[i] = value;
    this.touched = Boolean(values.gamma || values.beta);
    this.rebuild();
  }

  /** γ and β of the norm on screen: for each channel, for each value, or the lengths of the filters. */
  parametersOf(norm) {
    const count = 1 + Math.max(...this.x[this.shown].map((_, i) => parameterOf(norm, this.shape, this.settings, i)));
    const key = norm === "weight_norm" ? "g" : `${this.settings.form} ${count}`;
    this.parameters[key] ??= this.#begun(norm, count);
    return this.parameters[key];
  }

  /** The parameters with which the page begins. */
  #begun(norm, count) {
    return norm === "weight_norm" ? { gamma: this.#lengths(), beta: new Float64Array(count) } : {
      gamma: this.#spread(this.data.learned.gamma, count),
      beta: this.#spread(this.data.learned.beta, count),
    };
  }

  /** The values by channel, each repeated for as many parameters as a channel has. */
  #spread(values, count) {
    return Float64Array.from({ length: count }, (_, p) => values[Math.floor((p * values.length) / count)]);
  }

  /** ‖v‖ of each filter: the network starts as the plain one. */
  #lengths() {
    const [, outputs, inputs] = this.shape, v = this.original.weights;
    return Float64Array.from({ length: outputs }, (_, o) => Math.hypot(...v.subarray(o * inputs, (o + 1) * inputs)));
  }

  get layer() {
    const { norm, form, limits } = this.settings, [r_max, d_max] = this.data.limits[limits];
    const { running_mean, running_var } = this.tensors.forms[form];
    return { ...this.data.facts[norm], ...this.parametersOf(norm), running_mean, running_var, r_max, d_max };
  }

  dissected(x) {
    const { norm, form, mode, axes, groups, ghost } = this.settings;
    const layer = this.layer;
    const found = dissect(norm, x, this.shape, layer, { training: mode === "train", axes, groups, ghost });
    if (usesBatch(norm)) {
      const kept = this.tensors.forms[form];
      found.runningMean = x.map((_, i) => kept.running_mean[place(i, this.shape).c]);
      found.runningInverse = x.map((_, i) => 1 / Math.sqrt(kept.running_var[place(i, this.shape).c] + layer.eps));
    }
    return found;
  }

  /** Take the norm apart anew; where it does not apply, say why and show the input. */
  compute() {
    const unfit = this.fact.unfit[this.settings.form];
    this.refused = unfit ?? null;
    try {
      this.found = unfit ? dissect("none", this.x[this.shown], this.shape, this.layer, this.settings) : this.dissected(this.x[this.shown]);
      this.untouched = unfit ? this.found : this.dissected(this.original[this.shown]);
    } catch (error) {
      this.refused = t("torch refuses: ValueError: {message}. Take larger ghost batches, or switch to model.eval().", { message: error.message });
      this.found = this.untouched = dissect("none", this.x[this.shown], this.shape, this.layer, this.settings);
    }
  }

  // --- what is seen --------------------------------------------------------------------------------

  /** Another tensor may be on screen. */
  rebuild() {
    this.pinned = this.settings.cell % this.x[this.shown].length;
    this.pointed = null;
    if (this.built !== this.shown) {
      this.board.build({ shape: this.shape, weights: this.weights, samples: this.samples, channels: this.channels });
      this.board.drawSamples(this.samples);
      this.built = this.shown;
    }
    this.compute();
    this.show();
  }

  /** What the rows are called: filters, or in a sequence columns of the digit. */
  get channels() {
    return this.shown === "sequence" ? [1, 3, 5, 7].map((from) => t("columns {from}–{to}", { from, to: from + 1 })) : this.data.channels;
  }

  get stage() {
    return this.refused ? "x" : this.settings.stage;
  }

  /** The values that a stage shows, of a dissection. */
  valuesAt(stage, found) {
    if (BACK.includes(stage)) {
      const dy = this.upstream, { centred, dx } = backward(found, dy, this.layer);
      return { dy, centre: centred, dx }[stage];
    }
    const { x, mean, squares, xhat, y } = found;
    return { x, mean, variance: squares, normalize: xhat, affine: y, running: y }[stage];
  }

  /** A gradient of 1 for the cell looked at. */
  get upstream() {
    return this.found.x.map((_, i) => Number(i === this.chosen));
  }

  /** Of all inputs, for a gradient of 1 at the output of cell `at`. */
  #gradient(at) {
    return backward(this.found, this.found.x.map((_, i) => Number(i === at)), this.layer).dx;
  }

  get chosen() {
    return this.pointed ?? this.pinned;
  }

  /** The value of full colour: fixed for the input and the output, so that a change is seen as one. */
  scaleOf(stage, values) {
    const largest = (all) => all.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
    if (["x", "mean"].includes(stage)) return largest(this.original[this.shown]);
    if (stage === "variance") return largest(this.untouched.squares) || 1;
    if (["normalize", "affine", "running"].includes(stage)) {
      return this.settings.norm === "weight_norm" ? largest(this.untouched.y) : 3;
    }
    // The marked cell's own share is far larger than its neighbours': the colours are for these.
    return largest(values.filter((_, i) => i !== this.chosen)) || largest(values) || 1;
  }

  show() {
    const { root, stage } = this;
    this.scheme = darkBehind(root) ? "dark" : "light";
    const words = stageWords(stage, { norm: this.settings.norm, stored: this.found.stored, refused: this.refused });
    root.dataset.mode = this.settings.mode;
    root.dataset.stage = stage;
    root.dataset.scheme = this.scheme;
    this.controls.show(this.settings, { refused: Boolean(this.refused), usesBatch: usesBatch(this.settings.norm) });
    const refused = this.part("refused");
    refused.hidden = !this.refused;
    refused.textContent = this.refused ?? "";
    const [symbol, sentence] = this.part("caption").children;
    symbol.textContent = words.symbol;
    sentence.textContent = words.text;
    this.words = words;
    this.part("facts").innerHTML = facts(this.fact, this.settings);
    this.showKept();
    this.showUnlinked();
    this.showCells();
  }

  /** The cells and all that depends on which of them is looked at. */
  showCells() {
    const { stage, found, chosen } = this;
    const values = this.valuesAt(stage, found), before = this.valuesAt(stage, this.untouched);
    const spanned = span(found, chosen), scale = this.scaleOf(stage, values);
    const changed = (i) => Math.abs(values[i] - before[i]) > 1e-9;
    this.board.paint({
      values, scale, gradient: BACK.includes(stage), changed, chosen, pinned: this.pinned, lit: spanned.lit, symbol: this.words.symbol, scheme: this.scheme,
    });
    this.scale = scale;
    this.showScale();
    const edited = this.count((i) => found.x[i] !== this.original[this.shown][i]);
    const moved = this.count((i) => Math.abs(found.y[i] - this.untouched.y[i]) > 1e-9);
    this.showLines(spanned);
    this.part("seen").innerHTML = this.refused ? "" : `<p>${seen({
      found, span: spanned, moved, edited, i: chosen, stage, gradient: { ...backward(found, this.upstream, this.layer), i: chosen },
    })}</p>`;
    this.part("reset").hidden = !edited && !this.touched;
  }

  count(holds) {
    return this.found.x.reduce((n, _, i) => n + Number(holds(i)), 0);
  }

  showLines({ lit }) {
    const { chosen, stage, found } = this;
    const company = this.refused ? t("the input alone") : sharing(found.norm, lit.size);
    this.part("whose").innerHTML = `<b>${this.board.where[chosen]}</b><span>${company}</span>`;
    const shown = arithmetic(found, this.layer, chosen, this.upstream)
      .filter((line) => (this.refused ? line.stage === "x" : BACK.includes(line.stage) === BACK.includes(stage)));
    this.part("lines").innerHTML = shown.map(({ stage: of, name, math, text }) => `
      <div class="nva-line${of === stage ? " nva-now" : ""}" data-stage="${of}"><dt>${name}</dt><dd>${math ?? text}</dd></div>`).join("");
    this.showSliders();
  }

  showKept() {
    const { running } = this.found, { running_mean, running_var } = this.layer;
    const visible = usesBatch(this.settings.norm) && !this.refused && (this.stage === "running" || this.found.stored);
    this.root.querySelectorAll(".nva-kept").forEach((kept, c) => {
      const told = (name, old, fresh) => `<span>${name} ${plain(old)}${running && this.stage === "running" ? ` → <b>${plain(fresh)}</b>` : ""}</span>`;
      kept.innerHTML = visible
        ? told("μ", running_mean[c], running?.running_mean[c]) + told("σ²", running_var[c], running?.running_var[c]) : "";
    });
  }

  showScale() {
    const [low, bar, high] = this.part("scale").children, positive = this.stage === "variance";
    low.textContent = positive ? "0" : plain(-this.scale, 2);
    high.textContent = plain(this.scale, 2);
    const stops = Array.from({ length: 9 }, (_, k) => colourOf(positive ? k / 8 : k / 4 - 1, this.scheme));
    bar.style.background = `linear-gradient(90deg, ${stops.map((rgb) => `rgb(${rgb.map(Math.round).join(" ")})`).join(", ")})`;
  }

  // --- sliders: the pinned cell's value, and its γ and β ---------------------------------------------

  /** Index of the pinned cell's γ and β. */
  get parameter() {
    return parameterOf(this.settings.norm, this.shape, this.settings, this.pinned);
  }

  slide(name, value) {
    if (name === "x") this.x[this.shown][this.pinned] = value;
    else {
      this.parametersOf(this.settings.norm)[name][this.parameter] = value;
      this.touched = true;
    }
    this.compute();
    this.show();
  }

  showSliders() {
    const { norm } = this.settings, { gamma, beta } = this.parametersOf(norm), { c } = place(this.pinned, this.shape);
    // The slider moves the kept cell, also while another one is pointed at.
    const ofCell = (symbol) => (this.chosen === this.pinned ? t("<b>{symbol}</b> of this cell", { symbol })
      : t("<b>{symbol}</b> of the kept cell", { symbol }));
    const ofChannel = (symbol) => (this.weights ? t("<b>{symbol}</b> of the filter {name}", { symbol, name: this.channels[c] })
      : t("<b>{symbol}</b> of channel {n}", { symbol, n: c + 1 }));
    this.sliders.show({
      values: { x: this.x[this.shown][this.pinned], gamma: gamma[this.parameter], beta: beta[this.parameter] },
      learned: this.refused ? [] : learned(norm),
      titles: { x: ofCell, learned: gamma.length > this.shape[1] ? ofCell : ofChannel },
      symbols: norm === "weight_norm" ? { gamma: "g", x: "v" } : this.weights ? { x: "v" } : {},
    });
  }

  // --- what is done --------------------------------------------------------------------------------

  point(i) {
    if (i === this.pointed) return;
    this.pointed = i;
    this.showCells();
  }

  pin(i) {
    if (this.hides("cell")) {
      this.point(i);
      return;
    }
    this.pointed = null;
    this.pinned = i;
    this.settings.cell = i;
    this.showCells();
    this.address.follow();
  }

  push(i, amount) {
    if (this.hides("dragged")) return;
    this.root.classList.add("nva-live"); // colours follow the hand without fading
    const x = this.x[this.shown];
    this.hand ??= x[i];
    this.hand = Math.min(Math.max(this.hand + amount, LIMITS.x[0]), LIMITS.x[1]);
    x[i] = Math.round(this.hand * 10) / 10;
    this.compute();
    this.show();
  }

  settle() {
    this.hand = undefined;
    this.root.classList.remove("nva-live");
    const moved = this.count((i) => Math.abs(this.found.y[i] - this.untouched.y[i]) > 1e-9);
    this.part("status").textContent = t("{cell} is now {value}; {moved} of {total} outputs differ from before.", {
      cell: this.board.where[this.pinned], value: plain(this.x[this.shown][this.pinned]), moved, total: this.found.x.length,
    });
    this.address.follow();
  }

  /** All that the link says. */
  get #values() {
    const moved = Object.entries(this.#moved).map(([name, { text }]) => [name, text]);
    return { ...this.settings, cell: this.pinned, ...Object.fromEntries(moved) };
  }

  /** The page has run again; where its address was changed from outside (Back, a lesson's step), follow it. */
  heard(data) {
    const own = this.#values, told = { ...data.values, cell: data.values.cell % this.x[this.shown].length };
    const other = Object.keys(told).some((name) => told[name] !== own[name]);
    this.data = data;
    if (!other || this.address.behind) return; // what was done a moment ago is not in the address yet
    this.settings = { ...data.values };
    this.restore();
    this.#move(data.values);
  }

  /** What was moved on screen, as the link has it, and how much finds no place there. */
  get #moved() {
    const { norm } = this.settings, { gamma, beta } = this.parametersOf(norm), begun = this.#begun(norm, gamma.length);
    return {
      dragged: written(this.x[this.shown], this.original[this.shown], this.data.most),
      gamma: written(gamma, begun.gamma, this.data.most),
      beta: written(beta, begun.beta, this.data.most),
    };
  }

  showUnlinked() {
    const unlinked = this.part("unlinked");
    unlinked.hidden = this.data.alone || !Object.values(this.#moved).some(({ left }) => left);
    unlinked.textContent = unlinked.hidden ? ""
      : t("A link holds {n} changed values of a kind; those beyond are not in it.", { n: this.data.most });
  }

  change(settings) {
    const changed = Object.keys(settings).filter((name) => settings[name] !== this.settings[name]);
    if (!changed.length) return;
    Object.assign(this.settings, settings);
    if (changed.includes("stage")) this.show();
    if (changed.some((name) => name !== "stage")) this.rebuild();
    this.part("status").textContent = this.refused ?? `${this.words.symbol}: ${this.words.text}`;
    this.address.follow();
  }

  /** After a change of theme. */
  repaint() {
    this.board.drawSamples(this.samples);
    this.show();
  }

  end() {
    this.address.end();
    this.controls.pause();
  }
}

/** Whether the page behind the element is dark. */
function darkBehind(root) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = getComputedStyle(root).color;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return r + g + b > 384; // light text
}

/** Show the component in `parentElement`; returns what ends it. */
export default async function mount({ parentElement, data }, tensors) {
  speak(data.speech);
  const root = parentElement.querySelector(".nva-anatomy");
  const again = root.anatomy !== undefined;
  root.anatomy ??= tensors
    .then((told) => new Anatomy(root, data, told))
    .catch((error) => {
      root.textContent = t("The tensor could not be loaded ({message}). Reload the page to try again.", { message: error.message });
    });
  const anatomy = await root.anatomy;
  if (!data.alone) plotlyAhead();
  if (again && !data.alone) anatomy?.heard(data);
  if (again) anatomy?.repaint();
  return () => anatomy?.end();
}
