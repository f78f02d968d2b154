// The stage: charts that play a recording while it grows.
//
// Streamlit mounts it once and calls `mount` again whenever the page sends other data (another run) or
// the theme changes.  Nothing here asks the page anything while a run plays: frames come by websocket,
// the cursor is the visitor's own, and the same nodes are drawn into from the first run to the last.

import { Kept } from "./kept.js";
import { meaning } from "./keys.js";
import { Playback } from "./playback.js";
import { plotly } from "./plotly.js";
import { Question } from "./predictions.js";
import { Prelude } from "./preludes.js";
import { reachable } from "./reachable.js";
import { Run } from "./runs.js";
import { Scene } from "./scene.js";
import { speak, t } from "./words.js";

const MOST_UPDATES = 20; // a second
const MOST_SCRUBBED = 60; // a second, while a hand is on the slider
const CALM_UPDATES = 1; // a second, where the visitor wants reduced motion
const REST = 0.25; // of a drawing's time is left to everything else before the next one
const SCRUBBING = 150; // ms after a move of the slider in which the next one is expected
const DRAFTING = 800; // ms after which Plotly is made ready although no draft has been drawn
const PATIENCE = 1500; // ms for which the last picture stays when a new run has sent nothing yet

const stages = new WeakMap();

/** Called by Streamlit with {data, parentElement, setTriggerValue}; returns how to take the stage down. */
export function mount({ data, parentElement, setTriggerValue }) {
  speak(data.speech);
  const base = new URL(".", document.baseURI);
  let stage = stages.get(parentElement);
  if (!stage) {
    stages.set(parentElement, (stage = new Stage(parentElement, base)));
    const address = new URL(`${data.assets}/plotly.min.js`, base);
    stage.equip(window.Plotly ? plotly(address) : stage.drafted.then(() => plotly(address)));
  }
  stage.renew = () => setTriggerValue("renew", Date.now());
  stage.here = (step) => setTriggerValue("here", step);
  stage.update(data);
  return () => {
    stages.delete(parentElement);
    stage.destroy();
  };
}

export class Stage {
  constructor(parent, base) {
    this.base = base;
    this.reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.playback = new Playback({ reducedMotion: this.reducedMotion });
    this.cursors = { layer: 0 };
    this.hover = null;
    this.run = null; // the run that is followed
    this.prelude = null; // a recorded one, until that has something to show
    this.drafted = new Promise((done) => (this.settleDraft = done)); // a first picture is on the screen
    setTimeout(this.settleDraft, DRAFTING);
    this.question = null; // what its visitor is asked to predict
    this.kept = new Kept(); // those that lie behind it
    this.staged = false; // the charts show the present run (not yet: they still show the last one)
    this.fault = "";
    this.updates = 0; // pictures drawn
    this.spent = 0; // ms for the last one
    this.drawing = false;
    this.scrubbed = -Infinity; // when the slider was last moved
    this.rested = 0; // when the next picture may come
    this.away = new AbortController();
    const { playback } = this;
    const then = (act) => (...given) => {
      act(...given);
      this.#wake(true);
    };
    this.scene = new Scene(parent, {
      toggle: then(() => playback.toggle()),
      step: then((by) => playback.step(by)),
      seek: then((frame) => {
        this.scrubbed = performance.now();
        playback.seek(frame);
      }),
      seekStep: then((step) => playback.seek(this.run.recording?.frameAt(step) ?? 0)),
      speed: then((times) => (playback.speed = times)),
      live: then(() => playback.follow()),
      restart: then(() => this.#restart()),
      change: then(() => {
        playback.pause();
        this.here(this.#where().step);
      }),
      leave: then(() => (this.run.left ? this.run.resume() : this.run.leave())),
      layer: then((index) => this.#choose(index)),
      hover: (index) => this.#hover(index),
      point: (place) => this.#point(place),
      visit: then((place) => this.#visit(place)),
      lights: (figure) => this.scene.lights(figure),
      pin: then(() => this.#pin()),
      free: then(() => this.scene.free(!this.scene.kit.free)),
      moved: () => this.#mark(),
      guess: (guess) => this.#guessed(guess),
      seen: () => this.run && this.#wake(true),
      key: (event) => this.#key(event),
      signal: this.away.signal,
    }, base);
    this.scene.root.normviz = this;
    reachable(this.away.signal);
  }

  /** Have Plotly as soon as it is loaded; frames may come before. */
  async equip(loaded) {
    try {
      this.scene.kit.Plotly = await loaded;
    } catch {
      this.fault = t("The drawing library could not be loaded. Reload the page.");
    }
    this.#wake(true);
  }

  /** Follow what the page sent: the same run, or another one. */
  update(data) {
    if (JSON.stringify(data.readings) !== JSON.stringify(this.readings)) this.#wake(true);
    this.readings = data.readings;
    this.places = data.places ?? { of: {}, variants: {} }; // of notes by id, and variants by label
    this.scene.kit.experiment = data.experiment;
    this.scene.retheme();
    this.scene.bar.change.hidden = !data.changeable;
    const address = new URL(data.stream, this.base);
    if (this.run?.key === data.run) {
      this.run.settings = data.settings; // they may have been kept back until now
      this.run.headline = data.headline;
      if (this.run.address.href === address.href) this.run.stay();
      else this.run.move(address);
      return;
    }
    const last = this.run;
    last?.close();
    const kept = data.behind && this.kept.last?.key === data.behind;
    if (!kept && (last?.frames > 1 || last?.status === "done")) this.kept.last = last;
    this.styles = data.styles;
    this.question = new Question(data.prediction, data.run);
    this.scene.deck.set(data.cards ?? []);
    this.run = new Run(data, address, { change: () => this.#wake(), renew: () => this.renew() });
    this.prelude?.close();
    this.prelude = last || !data.prelude ? null : this.#begin(new URL(data.prelude, this.base));
    this.run.headline = data.headline;
    this.run.formula = data.formula;
    this.staged = false;
    this.due = performance.now() + PATIENCE;
    if (!last) this.#raise(); // captions and empty boxes: nothing moves when the charts come
    this.#wake();
  }

  /** Show a recorded run until the live one takes over. */
  #begin(address) {
    return new Prelude(address, this.reducedMotion ? 0 : 1, () => this.#wake(true));
  }

  destroy() {
    this.run?.close();
    this.prelude?.close();
    this.away.abort();
    cancelAnimationFrame(this.ticking);
    this.scene.destroy();
  }

  // --- for tests and for whoever wants to look ----------------------------------------------------

  state() {
    return { ...this.#where(), updates: this.updates, spent: this.spent };
  }

  /** The picture is the one under the cursor, nothing is being drawn, and no hand is on the slider. */
  get settled() {
    const drawn = this.scene.kit.Plotly && this.#worthDrawing && !this.#scrubbing && !this.prelude?.shown;
    return drawn && !this.dirty && !this.drawing && this.shown === this.#signature();
  }

  seek(frame) {
    this.playback.seek(frame);
    this.#wake(true);
  }

  play() {
    this.playback.play();
    this.#wake(true);
  }

  pause() {
    this.playback.pause();
    this.#wake(true);
  }

  // --- time ---------------------------------------------------------------------------------------

  /** Make sure that the next picture comes; at once if the visitor asked for it. */
  #wake(dirty = false) {
    this.dirty ||= dirty;
    if (!this.away.signal.aborted) this.ticking ??= requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now) {
    this.ticking = null;
    if (this.away.signal.aborted) return;
    if (this.drawing) return this.#wake(); // one picture at a time
    const seconds = Math.min(0.5, (now - (this.ticked ?? now)) / 1000);
    this.ticked = now;
    const { run, playback } = this;
    if (!this.staged && (run.frames > 0 || run.finished || now > this.due)) {
      playback.reset();
      this.#grow();
      this.#raise();
    }
    if (this.staged) {
      this.#grow();
      playback.advance(seconds);
      this.#foreshow(seconds, now);
    }
    const calm = this.reducedMotion && playback.live && !this.dirty;
    if (now >= this.rested + (calm ? 1000 / CALM_UPDATES : 0)) this.#draw();
    const due = !this.staged || this.dirty || this.shown !== this.#signature();
    if (due || this.#moving) this.#wake();
    else this.ticked = undefined; // at rest: no time passes until something happens
  }

  /** Let the prelude go on, or the live run take its place. */
  #foreshow(seconds, now) {
    const { prelude, run, playback, question } = this;
    if (!prelude || prelude.over) return;
    const { shown } = prelude;
    prelude.advance(playback.playing ? seconds : 0, run, shown ? question.limit(prelude.recording) : 0, now);
    if (!shown || !prelude.over) return;
    if (playback.playing && !playback.live) playback.seek(prelude.frame);
    this.#raise();
  }

  #grow() {
    const { run, question } = this;
    this.playback.grow(run.frames, run.expected, run.finished, question.limit(run.recording));
  }

  /** Everything on which the picture depends. */
  #signature() {
    const { run, playback } = this;
    const { frame, playing, live } = playback;
    const recorded = this.prelude?.shown && this.prelude.frame;
    const told = [run.key, run.status, run.sentence, run.frames];
    return [...told, frame, playing, live, recorded, this.#worthDrawing, this.#moving].join();
  }

  /** Another picture will follow soon: a recording plays, or a hand is on the slider. */
  get #moving() {
    return (this.playback.playing && !this.playback.held) || this.#scrubbing;
  }

  get #scrubbing() {
    return performance.now() < this.scrubbed + SCRUBBING;
  }

  /** Charts are drawn once there is something in them; if that takes long, their axes are shown empty. */
  get #worthDrawing() {
    return this.staged && (this.run.frames > 0 || this.prelude?.shown || performance.now() > this.due);
  }

  async #draw() {
    const signature = this.#signature();
    if (!this.dirty && this.shown === signature) return;
    this.dirty = false;
    this.shown = signature;
    const began = performance.now();
    const { run } = this;
    const recorded = this.prelude?.shown ? this.prelude : null;
    const { recording } = recorded ?? run;
    const layers = this.scene.offerLayers(recording?.schema);
    this.cursors.layer = Math.max(0, Math.min(this.cursors.layer, layers - 1));
    const where = this.#where();
    const how = { cursors: this.cursors, hover: this.hover, moving: this.#moving };
    const pictures = this.#worthDrawing
      ? this.scene.draw(recording, recorded?.frame ?? where.frame, how, this.readings, this.places) : [];
    const drafted = this.#worthDrawing && !this.scene.kit.Plotly && this.scene.drafted;
    if (drafted) requestAnimationFrame(() => setTimeout(this.settleDraft)); // once it is on the screen
    this.drawing = true;
    await Promise.allSettled(pictures);
    this.drawing = false;
    this.updates += pictures.length > 0;
    const complete = run.recorded && run.status === "done" ? t("Recorded run.") : "";
    const before = recorded && run.status !== "waiting" ? t("Recorded run, the live one is starting …") : "";
    const held = this.playback.held ? t("Held here until you have made your guess.") : "";
    this.scene.tell(where, this.fault || before || run.sentence || held || complete);
    if (this.staged) this.#compare(where.frame);
    this.spent = performance.now() - began;
    const most = this.#scrubbing ? MOST_SCRUBBED : MOST_UPDATES;
    this.rested = began + Math.max((1 + REST) * this.spent, 1000 / most);
  }

  #where() {
    const { run, playback, staged } = this;
    const frame = staged ? playback.frame : -1;
    const { recording, frame: at } = this.prelude?.shown ? this.prelude : { recording: run.recording, frame };
    if (recording) this.still = recording.schema.facts.frames === 1; // until it is known it is taken to be as before: the bar stays as it is
    return {
      status: run.status, run: run.key, left: run.left === true, staged,
      frame, frames: run.frames, last: playback.last, question: this.question.state,
      recorded: this.prelude?.shown ? at : "",
      step: recording?.before(at)?.step ?? 0, lastStep: recording?.schema.facts.steps ?? run.lastStep,
      counted: recording?.schema.facts.cursor, position: recording?.position(at) ?? 0,
      playing: playback.playing, live: playback.live, layer: this.cursors.layer, still: this.still,
    };
  }

  // --- what happens -------------------------------------------------------------------------------

  /** Put the figures of the present run on the stage; what the run before showed becomes its ghost. */
  #raise() {
    this.staged = true;
    const { run, before, styles, question } = this;
    this.scene.offerLayers(run.recording?.schema);
    const { frame } = this.#where();
    const at = run.recording && frame >= 0 ? { recording: run.recording, k: frame, cursors: this.cursors } : null;
    this.scene.raise({ figures: run.figures, styles, formula: run.formula, before, at, question });
    this.#compare(frame);
    this.dirty = true;
  }

  /** The run whose ghost lies behind the charts. */
  get before() {
    return this.kept.behind(this.run);
  }

  /** Say what changed in the settings, and what became of the result. */
  #compare(frame) {
    this.scene.tools.tell(this.kept.told(this.run, frame, this.question.open));
  }

  #pin() {
    this.kept.pin(this.run);
    if (this.staged) this.#raise();
  }

  /** The visitor has answered or skipped the question: covers come off, and the run goes on. */
  #guessed(guess) {
    this.question.answer(guess);
    this.playback.live = this.reducedMotion;
    this.playback.playing = true;
    this.#grow();
    this.#raise();
    this.#wake(true);
  }

  #restart() {
    if (this.run.left) this.run.resume();
    this.playback.seek(0);
    this.playback.play();
  }

  #hover(index) {
    if (this.hover === index) return;
    this.hover = index;
    this.#mark();
  }

  /** Mark a place in the charts: {figures, layer, variants}; null: nothing more. */
  #point(place) {
    this.scene.point(place);
    this.#hover(place?.layer ?? null);
  }

  /** Go to a place: its chart comes onto the screen, its layer is chosen, the cursor moves to its step. */
  #visit({ figures, layer = null, step = null }) {
    this.scene.visit(figures, !this.reducedMotion);
    if (layer !== null) this.#choose(layer);
    if (step !== null) this.playback.seek(this.run.recording?.frameAt(step) ?? 0);
    if (step !== null) this.playback.playing = false;
  }

  #choose(layer) {
    const most = this.scene.layers.names.length - 1;
    this.cursors = { ...this.cursors, layer: Math.max(0, Math.min(layer, most)) };
  }

  #mark() {
    this.scene.mark(this.#where().position, this.cursors.layer, this.hover);
  }

  #key(event) {
    const { playback, cursors, scene } = this;
    const { tools } = scene;
    const act = meaning(event, {
      toggle: () => playback.toggle(),
      step: (by) => playback.step(by),
      first: () => playback.seek(0),
      newest: () => playback.seek(playback.last),
      layer: (by) => this.#choose(cursors.layer + by),
      pin: () => this.#pin(),
      free: () => scene.free(!scene.kit.free),
      keys: () => tools.showKeys(),
      close: tools.keys.hidden ? undefined : () => tools.showKeys(false),
    });
    if (!act) return;
    event.preventDefault();
    act();
    this.#wake(true);
  }
}
