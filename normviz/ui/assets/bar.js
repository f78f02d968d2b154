// The stage's bar: play, step, scrub, speed, the newest frame, the layer, leaving the run.

import { button, dress, element, setText } from "./elements.js";
import { general } from "./notes.js";
import { numeral, t } from "./words.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];

export class Bar {
  /** @param on {toggle, step(by), seek(frame), speed(times), live, restart, change, leave, layer(index)} */
  constructor(on) {
    this.play = button({ icon: "pause", label: t("Pause"), onclick: on.toggle });
    this.live = button({ icon: "live", text: t("Live"), onclick: on.live });
    this.live.title = t("Go to the newest frame and stay with it");
    this.leave = button({ icon: "stop", text: t("Stop"), label: t("Stop: leave this run"), onclick: on.leave });
    this.scrub = element("input", {
      type: "range", min: 0, max: 0, value: 0, className: "nv-scrub", "aria-label": t("Training step"),
      oninput: () => on.seek(Number(this.scrub.value)),
    });
    this.step = element("output", { className: "nv-at" });
    const speeds = SPEEDS.map((times) => [times, numeral(`${times}×`)]);
    this.speed = choice(t("Speed"), speeds, 1, (value) => on.speed(value));
    this.layer = choice(t("Layer"), [], 0, (value) => on.layer(value));
    this.layer.hidden = true;
    const back = button({ icon: "back", label: t("One frame back"), onclick: () => on.step(-1) });
    const forward = button({ icon: "forward", label: t("One frame forward"), onclick: () => on.step(1) });
    const again = t("Restart: the same initialization again, from the first frame");
    const restart = button({ icon: "restart", text: t("Restart"), label: again, onclick: on.restart });
    const branch = t("Change learning rate, batch size or normalization from this step on");
    this.change = button({ icon: "branch", text: t("Change from here"), label: branch, onclick: on.change });
    this.change.hidden = true;
    this.timed = [this.play, back, forward, this.scrub, this.step, this.live, this.speed, restart, this.leave];
    this.root = element(
      "div",
      { className: "nv-bar", role: "toolbar", "aria-label": t("Playback") },
      element("div", { className: "nv-buttons" }, this.play, back, forward),
      this.scrub,
      this.step,
      element("div", { className: "nv-buttons" }, this.live, this.speed, this.layer, restart, this.change, this.leave),
    );
  }

  /** Offer the layers, by name; nothing if the figures know none. */
  offerLayers(names) {
    this.layer.hidden = names.length < 2;
    const options = names.map((name, i) => element("option", { value: i }, name));
    this.layer.querySelector("select").replaceChildren(...options);
  }

  /** Show where things stand. */
  show({ frame, last, step, lastStep, counted, position, playing, live, layer, left, still = false }) {
    for (const one of this.timed) one.hidden = still;
    dress(this.play, playing ? "pause" : "play", playing ? t("Pause") : t("Play"));
    this.live.setAttribute("aria-pressed", String(live));
    dress(this.leave, left ? "play" : "stop", left ? t("Continue this run") : t("Stop: leave this run"));
    setText(this.leave.querySelector("span"), left ? t("Continue") : t("Stop"));
    if (Number(this.scrub.max) !== last) this.scrub.max = last;
    this.scrub.disabled = last < 1;
    if (Number(this.scrub.value) !== frame) this.scrub.value = Math.max(0, frame);
    this.scrub.style.setProperty("--nv-done", last ? `${(100 * Math.max(0, frame)) / last}%` : "0%");
    const ordinal = lastStep > step ? t("step {step} of {last}", { step, last: lastStep }) : t("step {step}", { step });
    const value = counted ? `${t(counted.label)} ${numeral(general(position, 3))}` : ordinal;
    const text = frame < 0 ? t("{label} –", { label: counted?.label ?? t("step") }) : value;
    this.scrub.setAttribute("aria-label", t(counted?.name ?? "Training step"));
    this.scrub.setAttribute("aria-valuetext", text);
    setText(this.step, text);
    this.layer.querySelector("select").value = layer;
  }
}

/** A labelled list of choices. */
function choice(name, options, chosen, onchange) {
  const select = element("select", { "aria-label": name, onchange: () => onchange(Number(select.value)) });
  select.append(...options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  return element("label", { className: "nv-choice" }, element("span", { "aria-hidden": "true" }, name), select);
}
