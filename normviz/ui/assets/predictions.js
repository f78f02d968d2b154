// A question that is asked before the answer is shown: the counterpart of normviz/figures/predictions.py.
//
// It decides how far playback may go, what a figure shows meanwhile, and what is said in the end.  The
// guess is remembered for as long as the browser's window is open.

import { lookup } from "./refs.js";
import { said as filled, t } from "./words.js";

const COVERED = () => t("Covered until you have made your guess.");
const SKETCHED = () => t("Empty until you have drawn your guess.");
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
    this.guess = told ? recall(told) : null; // {skipped}, {choice}, {values} or {curve}, and the run it was made for
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

  /** Take a guess: {skipped: true}, {choice: i}, {values: [number]} or {curve: [y]}. */
  answer(guess) {
    this.guess = { ...guess, words: this.told.choices[guess.choice], run: this.run };
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
      const [covered, alt] = sketched ? ["sketch", SKETCHED()] : ["card", COVERED()];
      return { ...figure, data: [], layout, alt, covered };
    }
    return sketched && guess?.curve ? { ...figure, data: [...figure.data, curve(told.sketch.x, guess.curve)] } : figure;
  }

  /** What was said and what is measured, as far as it is at frame k. */
  verdict(recording, k, cursors) {
    const { told, guess } = this;
    if (this.open || !told) return "";
    const words = guess.curve ? guess.curve[told.sketch.tells] : told.choices[guess.choice];
    const values = Object.fromEntries(told.numbers.map(({ name }, i) => [name, guess.values?.[i]]));
    const said = guess.skipped ? "" : filled(told.said, { guess: words, ...values });
    const other = said && guess.run !== this.run ? t("That was for other settings.") : "";
    const numbers = this.#measured(recording, k, cursors);
    return [said, other, numbers ? filled(told.answer, numbers) : t("What is measured will stand here.")]
      .filter(Boolean)
      .join(" ");
  }

  /** Position of the choice that frame k bears out; -1 while that is not known, or not to be known. */
  right(recording, k, cursors) {
    if (this.open || !this.told?.right || !recording || k < 0) return -1;
    const found = lookup(this.told.right, recording, k, cursors);
    return Number.isFinite(found) ? found : -1;
  }

  /** The measured numbers and the words of the right choice, or null while one of them is missing. */
  #measured(recording, k, cursors) {
    if (!recording || k < 0) return null;
    const numbers = Object.entries(this.told.measured).map(([name, ref]) => [name, lookup(ref, recording, k, cursors)]);
    const right = this.told.choices[this.right(recording, k, cursors)];
    const known = numbers.every(([, value]) => Number.isFinite(value)) && (right !== undefined || !this.told.right);
    return known ? { ...Object.fromEntries(numbers), right } : null;
  }
}

/** The drawn curve, as it stays in its chart; named at its highest point, where other curves are least in the way. */
function curve(x, y) {
  const named = y.indexOf(Math.max(...y));
  return {
    type: "scatter", mode: "lines+text", x, y, showlegend: false, cliponaxis: false, name: t("your guess"),
    text: x.map((_, i) => (i === named ? t("your guess") : " ")), textposition: "top center",
    textfont: { color: GUESS, size: 12 }, line: { color: GUESS, dash: "dash", width: 1.5 },
    hovertemplate: `%{y:.3g}<extra>${t("your guess")}</extra>`, meta: { ghost: false, guess: true },
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

/** The guess made before, if it still fits the question: other settings may offer other choices. */
function recall({ key, choices, numbers, sketch }) {
  let guess = unstored.get(key) ?? null;
  try {
    guess ??= JSON.parse(sessionStorage.getItem(place(key)));
  } catch {
    return null;
  }
  if (!guess || guess.skipped) return guess;
  if (choices.length) {
    const choice = choices[guess.choice] === guess.words ? guess.choice : choices.indexOf(guess.words);
    return choice < 0 || choice === undefined ? null : { ...guess, choice };
  }
  const fits = numbers.length ? guess.values?.length === numbers.length : guess.curve?.length === sketch.x.length;
  return fits ? guess : null;
}
