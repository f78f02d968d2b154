// What a visitor takes away from a chart: its picture, and its numbers.

import { element, vector } from "./elements.js";
import { general } from "./notes.js";
import { picture } from "./pictures.js";
import { csv, isMomentary } from "./tables.js";
import { numeral, t } from "./words.js";

const SOON = 200; // ms in which a chart that has come onto the screen is drawn
const ICON = "M7.2 1.5h1.6v7l2.6-2.6 1.1 1.1L8 11.5 3.5 7l1.1-1.1 2.6 2.6zM2 12.5h12V14H2z";

export class Takeaway {
  /** @param panel whose chart it is */
  constructor(panel) {
    this.panel = panel;
    const icon = vector("svg", { viewBox: "0 0 16 16", width: 15, height: 15, "aria-hidden": "true" });
    icon.append(vector("path", { d: ICON, fill: "currentColor" }));
    this.summary = element("summary", { title: t("Take this chart away") }, icon);
    this.menu = element("div", { className: "nv-take-menu" });
    this.root = element("details", { className: "nv-take", ontoggle: () => this.#offer() }, this.summary, this.menu);
    this.root.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.root.contains(relatedTarget)) this.root.open = false;
    });
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.root.open) return;
      event.stopPropagation();
      this.root.open = false;
      this.summary.focus();
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (!this.root.contains(target)) this.root.open = false;
    }, { signal: panel.on.signal });
  }

  /** Another figure; one that is covered can not be taken. */
  set(figure) {
    this.root.style.visibility = figure.covered ? "hidden" : ""; // its place stays, so that no title moves
    if (figure.covered) this.root.open = false;
    this.summary.setAttribute("aria-label", t("Take this chart away: {title}", { title: figure.title }));
  }

  #offer() {
    if (!this.root.open) return;
    const { figure, chart } = this.panel;
    const frames = chart?.at?.recording.length ?? 0;
    if (!frames) setTimeout(() => this.#offer(), SOON); // not on screen until just now
    const choices = [[t("Picture (PNG)"), () => this.#draw("png")], [t("Drawing (SVG)"), () => this.#draw("svg")]];
    if (isMomentary(figure) && frames > 1) {
      choices.push([t("Numbers of this frame (CSV)"), () => this.#write(false)]);
      choices.push([t("Numbers of all frames (CSV)"), () => this.#write(true)]);
    } else choices.push([t("Numbers (CSV)"), () => this.#write(true)]);
    this.menu.replaceChildren(...choices.map(([text, act]) => {
      const onclick = () => {
        this.root.open = false;
        act();
      };
      return element("button", { type: "button", disabled: frames === 0, onclick }, text);
    }));
  }

  async #draw(format) {
    const { chart, kit, plot, figure, badge } = this.panel;
    const { recording, k, cursors } = chart.at;
    await chart.draw(recording, k, cursors, false); // what was only moved in place is drawn exactly
    const at = this.#moment().map((one, i) => (i ? numeral(one) : t(one))).join(" ");
    const moment = [at, badge.textContent].filter(Boolean).join(", ");
    const address = await picture(kit.Plotly, plot, kit.template, format, { title: figure.title, moment });
    save(address, this.#name(format, true));
  }

  #write(all) {
    const { recording, k, cursors } = this.panel.chart.at;
    const text = csv(this.panel.figure, recording, all ? null : k, cursors);
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    save(address, this.#name("csv", !all));
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  /** Which frame it is: [label, number], empty where there is only one. */
  #moment() {
    const { recording, k } = this.panel.chart.at;
    if (recording.length < 2) return [];
    return [recording.schema.facts.cursor?.label ?? "step", general(recording.position(k), 6)];
  }

  #name(ending, single) {
    const moment = single ? this.#moment().join(" ").replace(/[^\w.-]+/g, "-").replace(/^-|-$/g, "") : "";
    return `${[this.panel.kit.experiment, this.panel.figure.key, moment].filter(Boolean).join("-")}.${ending}`;
  }
}

/** Hand a file to the visitor. */
function save(address, name) {
  element("a", { href: address, download: name }).click();
}
