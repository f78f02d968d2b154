// A question that is asked before the answer is shown: the counterpart of normviz/figures/predictions.py.
//
// It decides how far playback may go, what a figure shows meanwhile, and what is said in the end.  The
// guess is remembered for as long as the browser's window is open.

import { fill } from "./notes.js";
import { lookup } from "./refs.js";

const COVERED = "Covered until you have made your guess.";
const SKETCHED = "Empty until you have drawn your guess.";
const GUESS = "#808080";
const unstored = new Map(); // guesses of a window that keeps nothing

export class Question {
  /**
   * @param told what the page sent of it, or undefined: then nothing is asked
   * @param {string} run key of the run that answers it
   */
  constructor(told, run) {
    this.told = told;
    this.run = run;
    this.guess = told ? recall(told) : null; // {skipped} or {choice} or {curve}, and the run it was made for
  }

  /** Not answered yet: covers are on. */
  get open() {
    return Boolean(this.told) && this.guess === null;
  }

  /** "", "open", "answered" or "skipped". */
  get state() {
    if (!this.told) return "";
    return this.open ? "open" : this.guess.skipped ? "skipped" : "answered";
  }

  /** Take a guess: {skipped: true}, {choice: i} or {curve: [y]}. */
  answer(guess) {
    this.guess = { ...guess, run: this.run };
    remember(this.told.key, this.guess);
  }

  /** The last frame that may be shown. */
  limit(recording) {
    if (!this.open || !this.told.until || !recording) return Infinity;
    const held = recording.held[recording.schema.place(this.told.until.ref)];
    const seen = `${recording.revision}/${held.length}`;
    if (seen !== this.seen) {
      this.seen = seen;
      const ends = held.find((k) => hasNumber(lookup(this.told.until, recording, k, {})));
      this.last = ends === undefined ? Infinity : Math.max(0, ends - 1);
    }
    return this.last;
  }

  /** Whether a note has to wait. */
  hides(note) {
    return this.open && this.told.notes.includes(note);
  }

  /** A figure as it may be seen now: bare (`covered` says how), with the guess in it, or as it is. */
  shown(figure) {
    const { told, guess } = this;
    const sketched = told?.sketch?.figure === figure.key;
    if (this.open && told.covers.includes(figure.key)) {
      const layout = { ...figure.layout, annotations: [], shapes: [] };
      const [covered, alt] = sketched ? ["sketch", SKETCHED] : ["card", COVERED];
      return { ...figure, data: [], layout, alt, covered };
    }
    return sketched && guess?.curve ? { ...figure, data: [...figure.data, curve(told.sketch.x, guess.curve)] } : figure;
  }

  /** What was said and what is measured, as far as it is at frame k. */
  verdict(recording, k, cursors) {
    const { told, guess } = this;
    if (this.open || !told) return "";
    const words = guess.curve ? guess.curve[told.sketch.tells] : told.choices[guess.choice];
    const said = guess.skipped ? "" : fill(told.said, { guess: words });
    const other = said && guess.run !== this.run ? "That was for other settings." : "";
    const numbers = recording && k >= 0 ? this.#measured(recording, k, cursors) : null;
    return [said, other, numbers ? fill(told.answer, numbers) : "What is measured will stand here."]
      .filter(Boolean)
      .join(" ");
  }

  /** The measured numbers, or null while one of them is missing. */
  #measured(recording, k, cursors) {
    const numbers = Object.entries(this.told.measured).map(([name, ref]) => [name, lookup(ref, recording, k, cursors)]);
    return numbers.every(([, value]) => Number.isFinite(value)) ? Object.fromEntries(numbers) : null;
  }
}

/** The drawn curve, as it stays in its chart; named at its highest point, where other curves are least in the way. */
function curve(x, y) {
  const named = y.indexOf(Math.max(...y));
  return {
    type: "scatter", mode: "lines+text", x, y, showlegend: false, cliponaxis: false, name: "your guess",
    text: x.map((_, i) => (i === named ? "your guess" : " ")), textposition: "top center",
    textfont: { color: GUESS, size: 12 }, line: { color: GUESS, dash: "dash", width: 1.5 },
    hovertemplate: "%{y:.3g}<extra>your guess</extra>", meta: { ghost: false, guess: true },
  };
}

/** Whether there is a number anywhere in a looked up value. */
function hasNumber(value) {
  if (typeof value === "number") return Number.isFinite(value);
  return Array.prototype.some.call(value, hasNumber);
}

const place = (key) => `normviz guess ${key}`;

function remember(key, guess) {
  unstored.set(key, guess);
  try {
    sessionStorage.setItem(place(key), JSON.stringify(guess));
  } catch {
    // A window that stores nothing remembers it for as long as the page is open.
  }
}

/** The guess made before, if it still fits the question. */
function recall({ key, choices, sketch }) {
  let guess = unstored.get(key) ?? null;
  try {
    guess ??= JSON.parse(sessionStorage.getItem(place(key)));
  } catch {
    return null;
  }
  const drawn = sketch && guess?.curve?.length === sketch.x.length;
  return guess?.skipped || guess?.choice < choices.length || drawn ? guess : null;
}
