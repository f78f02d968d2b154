// Cards on the stage: statements that are filled in by the notes of a run as it goes on.
//
// A card {key, notes, number, title, statement, rule, source, see, seeLabel} takes the notes whose ids begin with
// its `notes` and a dot; the next word says in which part they stand ("verdict", or one of PARTS).
// The word behind "verdict" is the verdict itself and decides the mark: "claims.7.verdict.supported".

import { element, setText } from "./elements.js";
import { said, t } from "./words.js";

const MARKS = {
  supported: "✓", conditional: "◐", inconclusive: "?", not_supported: "✕", false: "✕", checked: "§",
};
const PARTS = ["found", "progress", "evidence", "counter"];

export class Cards {
  constructor(base) {
    this.base = base;
    this.cards = new Map();
    this.list = element("div", { className: "nv-cards", role: "list" });
    this.strip = element("nav", { className: "nv-strip", "aria-label": t("Verdicts at a glance") });
    this.root = element("div", { hidden: true }, this.strip, this.list);
  }

  /** Put cards on the stage; those that were there under the same key keep their nodes. */
  set(cards) {
    const kept = new Map(cards.map((card) => [card.key, this.cards.get(card.key) ?? new Card(card, this.base)]));
    for (const [key, { root }] of this.cards) if (!kept.has(key)) root.remove();
    this.cards = kept;
    this.root.hidden = cards.length === 0;
    this.strip.hidden = cards.length < 2;
    this.strip.replaceChildren(...[...kept.values()].map(({ chip }) => chip));
    [...kept.values()].forEach(({ root }, i) => {
      if (this.list.children[i] !== root) this.list.insertBefore(root, this.list.children[i] ?? null);
    });
  }

  /** Put these charts on the cards that they belong to; returns the others. */
  take(panels) {
    const others = [];
    for (const panel of panels) {
      const card = this.cards.get(panel.figure.layout.meta?.card);
      if (card) card.hold(panel.root, this.cards.size === 1);
      else others.push(panel);
    }
    return others;
  }

  /** Fill the cards; returns the notes that belong to none. */
  show(told, readings) {
    const rest = [];
    const own = new Map([...this.cards.keys()].map((key) => [key, []]));
    for (const note of told) {
      const card = [...this.cards.values()].find(({ prefix }) => note[0].startsWith(prefix));
      if (card) own.get(card.key).push(note);
      else rest.push(note);
    }
    for (const [key, notes] of own) this.cards.get(key).show(notes, readings);
    return rest;
  }
}

class Card {
  constructor({ key, notes, number, title, statement, rule, source, see, seeLabel }, base) {
    this.key = key;
    this.prefix = `${notes}.`;
    this.mark = element("span", { className: "nv-card-mark", "aria-hidden": "true" });
    this.verdict = element("span", { className: "nv-card-word" });
    this.parts = Object.fromEntries(PARTS.map((part) => [part, element("p", { className: `nv-card-${part}` })]));
    this.parts.counter.dataset.lead = t("Counter-case:");
    this.chart = element("div", { className: "nv-card-chart" });
    this.more = element("details", { className: "nv-card-more", hidden: true }, element("summary", {}, t("Chart")), this.chart);
    const link = see ? element("a", { href: new URL(see, base).href, target: "_self" }, seeLabel) : null;
    const told = [
      element("p", {}, element("b", {}, `${t("Rule.")} `), rule),
      element("p", {}, element("b", {}, `${t("Sources.")} `), source),
    ];
    this.root = element(
      "article",
      { className: "nv-card", role: "listitem", "aria-label": t("Claim {number}: {title}", { number, title }), dataset: { card: key } },
      element(
        "header", {},
        element("span", { className: "nv-card-number" }, `${number}`),
        element("h2", {}, title),
        element("span", { className: "nv-card-verdict" }, this.mark, this.verdict),
      ),
      element("blockquote", {}, statement),
      ...PARTS.map((part) => this.parts[part]),
      element("footer", {}, this.more, element("details", {}, element("summary", {}, t("How it is judged")), ...told)),
      ...(link ? [element("p", { className: "nv-card-see" }, `${t("See it live:")} `, link)] : []),
    );
    this.parts.counter.dataset.lead = t("Counter-case:");
    this.root.tabIndex = -1; // the strip leads here
    this.sign = element("span", { "aria-hidden": "true" });
    this.name = `${number}: ${title}`;
    this.chip = element(
      "button", { type: "button", className: "nv-chip", onclick: () => this.#visit() },
      element("b", {}, `${number}`), this.sign,
    );
    this.show([], {});
  }

  #visit() {
    this.root.scrollIntoView({ block: "start" });
    this.root.focus({ preventScroll: true });
  }

  /** Show a chart; opened for a card that stands alone. */
  hold(chart, alone) {
    if (this.more.hidden) this.more.open = alone;
    this.more.hidden = false;
    if (chart.parentElement !== this.chart) this.chart.replaceChildren(chart);
  }

  show(notes, readings) {
    const texts = Object.fromEntries(PARTS.map((part) => [part, []]));
    let state = "waiting";
    let word = t("Waiting");
    for (const [id, numbers] of notes) {
      const [part, name] = id.slice(this.prefix.length).split(".");
      const text = readings[id] === undefined ? "" : said(readings[id], numbers);
      if (part === "verdict") [state, word] = [name, text];
      else texts[part]?.push(text);
    }
    if (this.root.dataset.verdict !== state) this.root.dataset.verdict = this.chip.dataset.verdict = state;
    for (const mark of [this.mark, this.sign]) setText(mark, MARKS[state] ?? "");
    this.chip.title = `${this.name}. ${word}`;
    this.chip.setAttribute("aria-label", this.chip.title);
    setText(this.verdict, word);
    for (const part of PARTS) {
      const text = texts[part].join(" ");
      setText(this.parts[part], text);
      this.parts[part].hidden = text === "";
    }
  }
}
