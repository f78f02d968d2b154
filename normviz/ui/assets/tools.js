// Above the charts: keep a run for comparison, free the axes, tell the keys that do what the bar does.

import { button, element, setText } from "./elements.js";
import { keys } from "./keys.js";
import { t } from "./words.js";

export class Tools {
  /** @param on {pin, free} */
  constructor(on) {
    this.settings = element("span", {});
    this.result = element("span", { className: "nv-result" });
    this.changed = element("p", { className: "nv-changed" }, this.settings, " ", this.result);
    this.pin = button({ icon: "pin", text: t("Pin"), label: t("Pin this run"), onclick: on.pin });
    this.free = button({ icon: "axes", text: t("Automatic axes"), onclick: on.free });
    this.free.title = t("Let every chart choose its axes, instead of the fixed ones that all variants share (A)");
    this.keys = element("dl", { className: "nv-keys", hidden: true });
    this.keys.append(...keys().flatMap(([key, does]) => [element("dt", {}, key), element("dd", {}, does)]));
    const told = keys().map(([key, does]) => `${key}: ${does}`).join("\n");
    this.help = button({ icon: "keys", label: t("Keys"), onclick: () => this.showKeys() });
    this.help.title = told;
    this.help.setAttribute("aria-expanded", "false");
    const buttons = element("div", { className: "nv-buttons" }, this.pin, this.free, this.help);
    this.root = element("div", { className: "nv-tools" }, this.changed, buttons, this.keys);
    this.tell({ pinned: null, settings: "", result: "" });
  }

  /** Open the list of keys, or close it. */
  showKeys(open = this.keys.hidden) {
    this.keys.hidden = !open;
    this.help.setAttribute("aria-expanded", String(open));
  }

  /**
   * What changed in settings and result.
   * @param pinned null, or {here, settings}: whether the pinned run is the one on stage, and all that it had
   */
  tell({ pinned, settings, result }) {
    this.pin.setAttribute("aria-pressed", String(pinned !== null));
    this.pin.title = pinned
      ? `${t("Let the pinned run go (P). It had:")}\n${pinned.settings}`
      : t("Pin: this run stays behind in grey, whatever is changed next (P)");
    this.pin.setAttribute("aria-label", pinned ? t("Pinned: let the run go") : t("Pin this run"));
    setText(this.pin.querySelector("span"), pinned ? t("Pinned") : t("Pin"));
    const hint = t("After a change of settings this run stays behind in grey, and what changed is told here.");
    setText(this.settings, settings || (pinned?.here ? t("This run is pinned.") : hint));
    setText(this.result, result);
  }

  /** Whether the charts choose their axes. */
  freed(free) {
    this.free.setAttribute("aria-pressed", String(free));
  }
}
