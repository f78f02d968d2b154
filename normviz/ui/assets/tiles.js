/**
 * The Start page: one switch, one slider, 64 test digits.  Everything is computed here; the server is not
 * asked again.  `mount` is called once for the element and again after a change of theme or a rerun.
 */

import { Address } from "./addresses.js";
import { Board } from "./board.js";
import { Inspector } from "./inspector.js";
import { digitsTable } from "./page_tables.js";
import { plotlyAhead } from "./plotly.js";
import { dealt, Net, readArrays, winners, withPair } from "./start.js";
import { announced, moved, raised, seen } from "./start_words.js";
import { numeral, speak, t } from "./words.js";

const skeleton = () => `
  <div class="nvt-controls">
  <div class="nvt-modes">
    <button class="nvt-switch" type="button" role="switch" aria-label="${t("Training mode: model.train()")}">
      <span class="nvt-thumb" aria-hidden="true"></span>
      <code aria-hidden="true">model.eval()</code><code aria-hidden="true">model.train()</code>
    </button>
    <p class="nvt-score" data-mode="eval"></p>
    <p class="nvt-score" data-mode="train"></p>
  </div>
  <div class="nvt-settings">
    <label class="nvt-slider">
      <span>${t("Batch size")} <b></b></span>
      <input type="range" min="0" step="1">
      <span class="nvt-ticks" aria-hidden="true"></span>
    </label>
    <div class="nvt-buttons">
      <button type="button" class="nvt-shuffle">${t("Other batch-mates")} <small></small></button>
      <label class="nvt-sorted"><input type="checkbox" role="switch"> ${t("Sorted by class")}</label>
      <button type="button" class="nvt-reset">${t("Reset")}</button>
    </div>
  </div>
  </div>
  <div class="nvt-stand">
    <div class="nvt-board" role="listbox" aria-orientation="horizontal" aria-label="${t("Test digits, grouped by batch")}">
    </div>
    <p class="nvt-raised" hidden></p>
  </div>
  <div class="nvt-moving">
    <button type="button" class="nvt-take"></button>
    <button type="button" class="nvt-undo" hidden>${t("Undo")}</button>
    <p class="nvt-moved"></p>
  </div>
  <p class="nvt-legend">
    <span><i class="nvt-key" aria-hidden="true">5</i> ${t("wrong, with the network's answer")}</span>
    <span><i class="nvt-key nvt-key-batch" aria-hidden="true"></i> ${t("predicted together, as one batch")}</span>
    <span><i class="nvt-key nvt-key-changed" aria-hidden="true"></i> ${t("label changed by the move")}</span>
  </p>
  <div class="nvt-inspector"></div>
  <div class="nvt-seen"></div>
  <p class="nvt-status" role="status"></p>`;

class Start {
  constructor(root, data, net) {
    this.root = root;
    this.data = data;
    this.net = net;
    this.settings = { ...data.values };
    this.count = net.facts.tiles;
    this.labels = net.labels.subarray(0, this.count);
    root.innerHTML = skeleton();
    root.setAttribute("aria-label", t("The experiment"));
    this.before = new Map(); // labels that the last move has changed: digit -> label before it
    this.moved = null;
    this.board = new Board(this.part("board"), this.#digits(), {
      choose: (i) => this.choose(i),
      place: (i, j) => this.move(i, j),
      carried: () => this.showMoving(),
    });
    this.inspector = new Inspector(this.part("inspector"));
    this.address = new Address(() => ({ values: this.settings, defaults: this.data.defaults }), data.alone);
    this.#listen();
    this.#hide();
    this.evaluated = this.predictions(this.labels, { training: false, batch: 1 });
    this.predict();
    this.show();
    this.choose(this.#telling());
    this.repaint();
    root.classList.toggle("nvt-untouched", this.settings.mode === "eval");
    root.table = () => digitsTable({ ...this, batch: this.settings.batch });
    root.dataset.ready = "";
  }

  part(name) {
    return this.root.querySelector(`.nvt-${name}`);
  }

  /** What a teacher does not want to be changed; the values are those of the link. */
  #hide() {
    const parts = { mode: "switch", batch: "slider", shuffle: "shuffle", sorted: "sorted", swaps: "moving" };
    for (const [name, part] of Object.entries(parts)) this.part(part).hidden = this.hides(name);
    this.board.carrying.locked = this.hides("swaps");
  }

  hides(name) {
    return this.data.hidden.includes(name);
  }

  /** The settings with which the page begins, of those that can be changed. */
  get begun() {
    return Object.fromEntries(Object.entries(this.data.defaults).filter(([name]) => !this.hides(name)));
  }

  #digits() {
    const size = this.net.pixelsPerDigit;
    const pixels = (i) => this.net.pixels.subarray(i * size, (i + 1) * size);
    return Array.from(this.labels, (label, i) => ({ label, pixels: pixels(i) }));
  }

  /** The digit to explain first: one that the two modes read differently. */
  #telling() {
    const order = this.order;
    const { trained, evaluated } = this;
    return (trained && order.find((i) => trained.answers[i] !== evaluated.answers[i])) ?? order[0];
  }

  // --- prediction ---------------------------------------------------------------------------------

  /** Probabilities and answers by digit, and how many are wrong; `labels` are those of the first digits. */
  predictions(labels, { training, batch, order = Array.from(labels, (_, i) => i) }) {
    const whole = order.slice(0, order.length - (order.length % batch)); // an incomplete batch is dropped
    const p = this.net.predict(whole, { training, batch });
    const probabilities = [], answers = [];
    winners(p).forEach((says, k) => {
      answers[whole[k]] = says;
      probabilities[whole[k]] = p.subarray(10 * k, 10 * (k + 1));
    });
    return { probabilities, answers, wrong: whole.filter((i) => answers[i] !== labels[i]).length, of: whole.length };
  }

  /** Deal the digits into batches and predict them anew. */
  predict() {
    const { batch } = this.settings;
    this.order = dealt(this.labels, this.settings);
    this.trained = this.error = this.allTrained = null;
    try {
      this.trained = this.predictions(this.labels, { training: true, batch, order: this.order });
    } catch (error) {
      this.error = error; // batches of one
    }
    this.board.deal(this.order, batch);
    this.#surveyLater();
  }

  /** The same on the whole test split, for the small print; it takes longer, so the tiles go first. */
  #surveyLater() {
    clearTimeout(this.survey);
    this.survey = setTimeout(() => {
      const { labels } = this.net;
      const { batch } = this.settings;
      this.all ??= this.predictions(labels, { training: false, batch: 1 });
      this.allTrained = this.error ? null
        : this.predictions(labels, { training: true, batch, order: dealt(labels, this.settings) });
      this.#scores();
    }, 120);
  }

  // --- what is seen -------------------------------------------------------------------------------

  show() {
    const { mode, batch, shuffle, sorted } = this.settings;
    this.root.dataset.mode = mode;
    this.part("switch").setAttribute("aria-checked", mode === "train");
    const slider = this.part("slider").querySelector("input");
    slider.value = this.data.batches.indexOf(batch);
    slider.setAttribute("aria-valuetext", String(batch));
    this.part("slider").querySelector("b").textContent = batch;
    this.part("shuffle").querySelector("small").textContent = t("shuffle {n}", { n: shuffle });
    this.part("sorted").querySelector("input").checked = sorted;
    const untouched = Object.entries(this.begun).every(([name, value]) => this.settings[name] === value);
    this.part("reset").hidden = untouched;
    this.part("raised").hidden = !(this.error && mode === "train");
    this.part("raised").innerHTML = this.error ? raised(this.error.message) : "";
    this.board.answer((mode === "eval" ? this.evaluated : this.trained)?.answers, mode === "eval" ? new Map() : this.before);
    this.#scores();
    this.part("seen").innerHTML = seen(this);
    this.part("status").textContent = announced(this);
    if (this.board.chosen >= 0) this.choose(this.board.chosen);
    this.showMoving();
  }

  showMoving() {
    const { taken } = this.board.carrying, { batch } = this.settings;
    const take = this.part("take"), whole = batch >= this.count;
    take.textContent = taken === null ? t("Put this digit into another batch") : t("Leave it where it is");
    take.disabled = whole;
    take.setAttribute("aria-pressed", taken !== null);
    this.part("undo").hidden = !this.settings.swaps;
    this.part("moved").innerHTML = whole ? t("All digits are in one batch.")
      : taken !== null ? t("Now choose a digit of another batch: the two change places. Escape leaves it.")
      : moved(this) || t("Drag a digit into another batch; it changes places with one that is there.");
  }

  #scores() {
    const every = this.net.labels.length;
    const share = ({ wrong, of }) => numeral(`${((100 * wrong) / of).toFixed(1)}%`);
    const rate = (result) => result.of === every
      ? t("{share} of all {n} test digits", { share: share(result), n: result.of })
      : t("{share} of {n} test digits", { share: share(result), n: result.of });
    const small = (result, error) => (error ? t("torch raises an error") : result ? rate(result) : "…");
    const big = (result) => (result ? t("wrong: {wrong} of {n}", { wrong: `<b>${result.wrong}</b>`, n: result.of }) : `<b>${t("no answer")}</b>`);
    const [evaluation, training] = this.root.querySelectorAll(".nvt-score");
    evaluation.innerHTML = `${big(this.evaluated)}<small>${small(this.all)}</small>`;
    training.innerHTML = `${big(this.trained)}<small>${small(this.allTrained, this.error)}</small>`;
  }

  choose(i) {
    this.board.mark(i);
    this.inspector.show({
      pixels: this.board.digits[i].pixels,
      label: this.labels[i],
      batch: this.settings.batch,
      place: Math.floor(this.order.indexOf(i) / this.settings.batch) + 1,
      evaluated: this.evaluated.probabilities[i],
      trained: this.trained?.probabilities[i],
    });
  }

  /** After a change of theme. */
  repaint() {
    this.board.paint();
    this.inspector.paint();
  }

  // --- what is done -------------------------------------------------------------------------------

  /** Digit i changes places with j; whose label changes is marked. */
  move(i, j) {
    const swaps = withPair(this.settings.swaps, i, j);
    if (swaps.split(",").length > this.data.swaps) {
      this.part("moved").textContent = t("A link holds {n} moves. Undo some, or reset.", { n: this.data.swaps });
      return;
    }
    const answers = this.trained?.answers;
    this.change({ swaps });
    this.#compare(answers, { i, j });
    this.board.tiles[i].focus({ preventScroll: true });
    this.choose(i);
    this.part("status").textContent = this.part("moved").textContent;
  }

  #compare(answers, pair) {
    const now = this.trained?.answers;
    this.moved = pair;
    this.before = new Map();
    answers?.forEach((says, i) => { if (now && now[i] !== says) this.before.set(i, says); });
    this.show();
  }

  #undo() {
    this.change({ swaps: this.settings.swaps.split(",").slice(0, -1).join(",") });
    if (this.part("undo").hidden) this.part("take").focus();
  }

  #listen() {
    const toggle = this.part("switch"), slider = this.part("slider").querySelector("input");
    toggle.addEventListener("click", () => this.change({ mode: this.settings.mode === "eval" ? "train" : "eval" }));
    toggle.addEventListener("keydown", (event) => {
      const mode = { ArrowLeft: "eval", ArrowRight: "train" }[event.key];
      if (!mode) return;
      event.preventDefault();
      this.change({ mode });
    });
    const { batches } = this.data;
    slider.max = batches.length - 1;
    this.part("ticks").innerHTML = batches.map((batch) => `<span>${batch}</span>`).join("");
    slider.addEventListener("input", () => this.change({ batch: batches[slider.value] }));
    this.part("shuffle").addEventListener("click", () => {
      this.change({ shuffle: (this.settings.shuffle + 1) % (this.data.shuffles + 1) });
    });
    this.part("sorted").addEventListener("change", (event) => this.change({ sorted: event.target.checked }));
    this.part("take").addEventListener("click", () => {
      const { carrying, chosen } = this.board;
      if (carrying.taken !== null) carrying.drop();
      else carrying.take(chosen);
    });
    this.part("undo").addEventListener("click", () => this.#undo());
    this.part("reset").addEventListener("click", () => {
      this.change(this.begun);
      (this.hides("mode") ? this.board.tiles[this.board.chosen] : toggle).focus(); // the button itself is gone now
    });
  }

  change(settings) {
    const changed = Object.keys(settings).filter((name) => settings[name] !== this.settings[name]);
    if (!changed.length) return;
    this.board.carrying.drop();
    Object.assign(this.settings, settings);
    if (changed.some((name) => ["shuffle", "sorted"].includes(name)) && !changed.includes("swaps")
      && !this.hides("swaps")) this.settings.swaps = "";
    if (changed.some((name) => name !== "mode")) [this.moved, this.before] = [null, new Map()];
    if (changed.includes("mode")) this.root.classList.remove("nvt-untouched");
    if (changed.some((name) => name !== "mode")) this.predict();
    this.show();
    this.address.follow();
  }

  /** The page has run again; where its address was changed from outside (Back, a lesson's step), follow it. */
  heard(data) {
    this.data = data;
    if (!this.address.behind) this.change(data.values); // else what was done a moment ago is not in the address yet
  }

  end() {
    clearTimeout(this.survey);
    this.address.end();
  }
}

/** Show the component in `parentElement`; returns what ends it. */
export default async function mount({ parentElement, data }, bytes) {
  speak(data.speech);
  const root = parentElement.querySelector(".nvt-start");
  const again = root.start !== undefined;
  root.start ??= bytes
    .then((buffer) => new Start(root, data, new Net(readArrays(buffer))))
    .catch((error) => {
      root.textContent = t("The digits could not be loaded ({error}). Reload the page to try again.", { error: error.message });
    });
  const start = await root.start;
  if (!data.alone) plotlyAhead();
  if (again && !data.alone) start?.heard(data);
  if (again) start?.repaint();
  return () => start?.end();
}
