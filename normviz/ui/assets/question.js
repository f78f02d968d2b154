// The card on which a prediction is asked for, and on which the measured answer comes to stand beside it.

import { button, element, setText } from "./elements.js";

const CHOOSE = "The answer stays covered until you have chosen.";
const DRAW = "Move the points in the chart to where you expect them: drag them, or use the Tab and arrow keys.";

export class Card {
  /** @param on {guess(guess)}: see Question.answer */
  constructor(on) {
    this.on = on;
    this.question = null;
    this.asks = element("p", { className: "nv-asks" });
    this.choices = element("div", { className: "nv-buttons", role: "group" });
    this.told = element("p", { className: "nv-told", role: "status", tabIndex: -1 });
    this.root = element(
      "section", { className: "nv-question", hidden: true, "aria-label": "Your guess" },
      this.asks, this.choices, this.told,
    );
  }

  /** Ask a question, or show how it was answered; the same card is not built twice. */
  set(question) {
    const { told, state, guess } = question;
    this.root.hidden = !told;
    Object.assign(this.root.dataset, { open: question.open, form: told?.sketch ? "sketch" : "choices" });
    const asked = `${told?.key} ${state}`;
    if (asked === this.asked) return;
    const answered = this.asked === `${told?.key} open`; // here and now: then nothing must jump
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
    if (question.open) offered.push(this.#skip());
    this.choices.replaceChildren(...offered);
    this.choices.hidden = offered.length === 0;
    if (answered) this.told.focus({ preventScroll: true });
  }

  /** The line under the question. */
  tell(question, recording, k, cursors) {
    if (!question.told) return;
    const hint = question.told.sketch ? DRAW : CHOOSE;
    setText(this.told, question.open ? hint : question.verdict(recording, k, cursors));
  }

  #skip() {
    const skip = button({ text: "Skip", label: "Skip the question", onclick: () => this.on.guess({ skipped: true }) });
    skip.classList.add("nv-skip");
    return skip;
  }
}
