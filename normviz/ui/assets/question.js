// The card on which a prediction is asked for, and on which the measured answer comes to stand beside it.

import { button, element, setText } from "./elements.js";
import { t } from "./words.js";

const CHOOSE = () => t("The answer stays covered until you have chosen.");
const NUMBERS = () => t("The answer stays covered until you have made your guess.");
const DRAW = () =>
  t("Move the points in the chart to where you expect them: drag them, or use the Tab and arrow keys.");

export class Card {
  /** @param on {guess(guess)}: see Question.answer */
  constructor(on) {
    this.on = on;
    this.question = null;
    this.asks = element("p", { className: "nv-asks" });
    this.choices = element("div", { className: "nv-buttons", role: "group" });
    this.told = element("p", { className: "nv-told", role: "status", tabIndex: -1 });
    this.root = element(
      "section", { className: "nv-question", hidden: true, "aria-label": t("Your guess") },
      this.asks, this.choices, this.told,
    );
  }

  /** Ask a question, or show how it was answered; the same card is not built twice. */
  set(question) {
    const { told, state, guess } = question;
    this.root.hidden = !told;
    Object.assign(this.root.dataset, { open: question.open, form: told?.sketch ? "sketch" : "choices" });
    const words = told && [told.key, told.question, ...told.choices].join("\n"); // other settings, other words
    const asked = `${words} ${state}`;
    if (asked === this.asked) return;
    const answered = this.asked === `${words} open`; // here and now: then nothing must jump
    this.root.style.minHeight = answered ? `${this.root.offsetHeight}px` : "";
    this.asked = asked;
    if (!told) return;
    setText(this.asks, told.question);
    this.choices.setAttribute("aria-label", told.question);
    const offered = told.choices.map((text, choice) => {
      const made = button({ text, onclick: () => this.on.guess({ choice }) });
      made.disabled = !question.open;
      if (!question.open) made.setAttribute("aria-pressed", String(guess.choice === choice));
      return made;
    });
    if (told.numbers.length) offered.push(...this.#sliders(question));
    if (question.open) offered.push(this.#skip());
    this.choices.replaceChildren(...offered);
    this.choices.hidden = offered.length === 0;
    if (answered) this.told.focus({ preventScroll: true });
  }

  /** The line under the question. */
  tell(question, recording, k, cursors) {
    if (!question.told) return;
    const { sketch, numbers, choices } = question.told;
    const hint = sketch ? DRAW() : numbers.length ? NUMBERS() : CHOOSE();
    setText(this.told, question.open ? hint : question.verdict(recording, k, cursors));
    const right = question.right(recording, k, cursors);
    for (let i = 0; i < choices.length; i += 1) this.#mark(this.choices.children[i], i === right);
  }

  /** The choice that the measurement bears out is marked, for the eye and for a screen reader. */
  #mark(choice, right) {
    if (choice.classList.contains("nv-right") === right) return;
    choice.classList.toggle("nv-right", right);
    const name = choice.querySelector("span").textContent;
    choice.setAttribute("aria-label", right ? t("{answer} (as measured)", { answer: name }) : name);
  }

  /** A slider for each number, and the button that ends the guess. */
  #sliders({ told: { numbers }, open, guess }) {
    const inputs = numbers.map(({ low, high, start }, i) => {
      const value = guess?.values?.[i] ?? start;
      return element("input", { type: "range", min: low, max: high, step: 1, value, disabled: !open });
    });
    const rows = numbers.map(({ label, unit }, i) => {
      const written = element("output", {});
      const say = () => {
        const text = `${inputs[i].value}${unit}`;
        inputs[i].setAttribute("aria-valuetext", text);
        setText(written, text);
      };
      inputs[i].addEventListener("input", say);
      say();
      return element("label", { className: "nv-number" }, element("span", {}, label), inputs[i], written);
    });
    if (!open) return guess.skipped ? [] : rows;
    const done = button({
      text: t("This is my guess"),
      onclick: () => this.on.guess({ values: inputs.map(({ valueAsNumber }) => valueAsNumber) }),
    });
    return [...rows, done];
  }

  #skip() {
    const skip = button({ text: t("Skip"), label: t("Skip the question"), onclick: () => this.on.guess({ skipped: true }) });
    skip.classList.add("nv-skip");
    return skip;
  }
}
