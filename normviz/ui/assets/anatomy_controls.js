/** Anatomy's controls: which norm, on which form, in which mode, and the slow motion. */

import { t } from "./words.js";

const FIRST = ["none", "batch", "layer", "group"];
const BACK = ["dy", "centre", "dx"];
const PAUSE = 1900; // milliseconds at each stop of the slow motion

/** What a norm's own setting is called. */
const asked = (name, norm) => ({
  axes: norm === "rms" ? t("Over what?") : t("Which LayerNorm?"),
  groups: t("Groups"), ghost: t("Ghost size"), limits: t("Limits"),
})[name];

/** The one setting besides form and mode that a norm has. */
function own({ norm, form }) {
  if (["layer", "rms"].includes(norm)) return form === "2d" ? "axes" : null;
  return { group: "groups", ghost_batch: "ghost", batch_renorm: "limits" }[norm] ?? null;
}

const choice = (name, value, label, more = "") =>
  `<button type="button" role="radio" data-name="${name}" data-value="${value}" ${more}>${label}</button>`;

export class Controls {
  /** `change`({name: value}) is called when a visitor chooses. */
  constructor(element, stages, data, change) {
    Object.assign(this, { element, stages, data, change });
    element.innerHTML = this.#choices();
    stages.innerHTML = this.#timeline();
    this.extra = element.querySelector(".nva-extra");
    this.#hide();
    for (const part of [element, stages]) {
      part.addEventListener("click", (event) => this.#click(event.target.closest("button")));
      part.addEventListener("keydown", (event) => this.#key(event));
    }
  }

  /** What a teacher does not want to be changed; the values are those of the link. */
  #hide() {
    const [norms, forms] = this.element.querySelectorAll("[role=radiogroup]");
    const parts = { norm: norms, form: forms, mode: this.element.querySelector(".nva-switch"), stage: this.stages };
    for (const [name, part] of Object.entries(parts)) part.hidden = this.data.hidden.includes(name);
  }

  #choices() {
    const chips = this.data.norms.map(({ name, label, family }) =>
      choice("norm", name, label, `class="nva-chip${FIRST.includes(name) ? "" : " nva-rare"}" data-family="${family}"`));
    const forms = this.data.choices.form.map(([value, label]) => choice("form", value, label.replace(":", " ")));
    return `
      <div class="nva-norms" role="radiogroup" aria-label="${t("Norm")}">${chips.join("")}
        <button type="button" class="nva-more" aria-expanded="false">${t("More norms")}</button></div>
      <div class="nva-rest">
        <div class="nva-choice" role="radiogroup" aria-label="${t("Form")}">${forms.join("")}</div>
        <button class="nva-switch" type="button" role="switch" aria-label="${t("Training mode: model.train()")}">
          <span class="nva-thumb" aria-hidden="true"></span>
          <code aria-hidden="true">train()</code><code aria-hidden="true">eval()</code></button>
        <div class="nva-extra"></div>
      </div>`;
  }

  #timeline() {
    const stops = (back) => this.data.choices.stage.filter(([value]) => BACK.includes(value) === back)
      .map(([value, label]) => choice("stage", value, label)).join("");
    return `
      <div class="nva-player">
        <button type="button" class="nva-step" data-step="-1" aria-label="${t("Step back")}">◀</button>
        <button type="button" class="nva-play" aria-pressed="false">${t("Play")}</button>
        <button type="button" class="nva-step" data-step="1" aria-label="${t("Step on")}">▶</button>
      </div>
      <div class="nva-line-of-stops" role="radiogroup" aria-label="${t("Stage of the computation")}">
        <span class="nva-way"><small>${t("forward")}</small>${stops(false)}</span>
        <span class="nva-way"><small>${t("backward")}</small>${stops(true)}</span>
      </div>`;
  }

  show(settings, { refused, usesBatch }) {
    this.settings = settings;
    const rare = !FIRST.includes(settings.norm);
    if (rare) this.#unfold(true);
    this.#showExtra(settings);
    for (const button of [...this.element.querySelectorAll("[role=radio]"), ...this.stages.querySelectorAll("[role=radio]")]) {
      const { name, value } = button.dataset, on = String(settings[name]) === value;
      button.setAttribute("aria-checked", on);
      button.tabIndex = on ? 0 : -1;
      if (name === "norm") {
        const unfit = this.data.norms.find((norm) => norm.name === value).unfit[settings.form];
        button.classList.toggle("nva-unfit", Boolean(unfit));
        button.title = unfit ?? "";
      }
      if (name === "stage") button.disabled = refused;
    }
    for (const button of this.stages.querySelectorAll(".nva-player button")) button.disabled = refused;
    if (refused) this.pause();
    const mode = this.element.querySelector(".nva-switch");
    mode.setAttribute("aria-checked", settings.mode === "train");
    mode.classList.toggle("nva-idle", !usesBatch);
    mode.title = usesBatch ? "" : t("This norm does the same in both modes.");
  }

  #showExtra(settings) {
    const one = own(settings), name = this.data.hidden.includes(one) ? null : one;
    if (this.extra.dataset.name === (name ?? "")) return;
    this.extra.dataset.name = name ?? "";
    this.extra.innerHTML = name ? `<span id="nva-own">${asked(name, settings.norm)}</span>
      <div class="nva-choice" role="radiogroup" aria-labelledby="nva-own">
        ${this.data.choices[name].map(([value, text]) => choice(name, value, text)).join("")}</div>` : "";
  }

  #unfold(open) {
    this.element.classList.toggle("nva-unfolded", open);
    const more = this.element.querySelector(".nva-more");
    more.setAttribute("aria-expanded", open);
    more.textContent = open ? t("Fewer norms") : t("More norms");
  }

  // --- what is done --------------------------------------------------------------------------------

  #click(button) {
    if (!button || button.disabled) return;
    const { name, value, step } = button.dataset;
    if (button.classList.contains("nva-more")) {
      this.#unfold(!this.element.classList.contains("nva-unfolded"));
    } else if (button.classList.contains("nva-switch")) {
      this.change({ mode: this.settings.mode === "train" ? "eval" : "train" });
    } else if (button.classList.contains("nva-play")) {
      this.playing ? this.pause() : this.play();
    } else if (step) {
      this.pause();
      this.#step(Number(step));
    } else if (name) {
      if (name === "stage") this.pause();
      this.change({ [name]: typeof this.settings[name] === "number" ? Number(value) : value });
    }
  }

  /** In a group of choices the arrow keys choose, as they do in a group of radio buttons. */
  #key(event) {
    const ahead = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const button = event.target.closest("button");
    if (!ahead || !button) return;
    if (button.matches(".nva-switch")) {
      event.preventDefault();
      this.change({ mode: ahead < 0 ? "train" : "eval" });
    } else if (button.role === "radio") {
      event.preventDefault();
      const all = [...button.closest("[role=radiogroup]").querySelectorAll("[role=radio]")].filter((one) => one.checkVisibility());
      const next = all[(all.indexOf(button) + ahead + all.length) % all.length];
      this.#click(next);
      next.focus();
    }
  }

  get #stops() {
    return this.data.choices.stage.map(([value]) => value);
  }

  #step(by) {
    const at = this.#stops.indexOf(this.settings.stage) + by;
    if (at >= 0 && at < this.#stops.length) this.change({ stage: this.#stops[at] });
  }

  /** Slow motion: from the beginning of this way (forward or backward) to its end. */
  play() {
    const back = BACK.includes(this.settings.stage), way = this.#stops.filter((stop) => BACK.includes(stop) === back);
    if (this.settings.stage === way.at(-1) || (!back && this.settings.stage === "affine")) this.change({ stage: way[0] });
    this.#playing(setInterval(() => {
      this.#step(1);
      if (this.settings.stage === way.at(-1)) this.pause();
    }, PAUSE));
  }

  pause() {
    clearInterval(this.playing);
    this.#playing(null);
  }

  #playing(timer) {
    this.playing = timer;
    const button = this.stages.querySelector(".nva-play");
    button.textContent = timer ? t("Pause") : t("Play");
    button.setAttribute("aria-pressed", Boolean(timer));
  }
}
