// Runs that stay behind the present one in grey: the one before it, or one that the visitor has pinned.

import { outcome } from "./comparisons.js";
import { leavesGhosts } from "./ghosts.js";
import { changes } from "./runs.js";
import { t } from "./words.js";

/** Of a run of which nothing can be drawn in grey, maps for instance, the headline's numbers are compared alone. */
const WORDS = {
  pinned: {
    drawn: (changed) => t("Against the pinned run, in grey: {changed}.", { changed }),
    told: (changed) => t("Against the pinned run, by its numbers alone: {changed}.", { changed }),
  },
  last: {
    drawn: (changed) => t("Changed: {changed}. The run before is drawn in grey.", { changed }),
    told: (changed) => t("Changed: {changed}. The run before is compared by its numbers alone.", { changed }),
  },
};

export class Kept {
  constructor() {
    this.last = null; // the run before the present one
    this.pinned = null; // the one that the visitor keeps
  }

  /** The run that lies behind `run`: the pinned one, unless that is `run` itself, else the one before. */
  behind(run) {
    return this.pinned && this.pinned.key !== run?.key ? this.pinned : this.last;
  }

  /** Keep a run, or let the kept one go. */
  pin(run) {
    this.pinned = this.pinned || !run.frames ? null : run;
  }

  /**
   * What changed in the settings, and what became of the result at frame k.
   * @param hidden the result may not be told yet
   * @returns what Tools.tell takes
   */
  told(run, k, hidden) {
    const { pinned } = this;
    const before = this.behind(run);
    const changed = before ? changes(before.settings, run.settings) : "";
    const words = WORDS[before === pinned ? "pinned" : "last"][changed && leavesGhosts(before, run) ? "drawn" : "told"];
    return {
      pinned: pinned && { here: pinned.key === run.key, settings: inWords(pinned.settings) },
      settings: changed && words(changed),
      result: changed && !hidden ? outcome(before, run, k) : "",
    };
  }
}

const inWords = (settings) => settings.map(({ label, text }) => `${label}: ${text}`).join("\n");
