// The keys of a stage: what they do, and the list that tells so.

import { t } from "./words.js";

/** [keys, what they do] in the order in which they are told. */
export const keys = () => [
  [t("Space"), t("play or pause")],
  ["← →", t("one frame back or forward")],
  ["Home, End", t("first or newest frame")],
  ["Shift ↑ ↓", t("the layer above or below")],
  ["P", t("pin this run, or let it go")],
  ["A", t("automatic or shared axes")],
  ["?", t("this list")],
];

/**
 * What a key means on the stage, or undefined.
 * @param on {toggle, step(by), first, newest, layer(by), pin, free, keys, close}
 */
export function meaning(event, on) {
  const busy = event.target.closest("select, input:not(.nv-scrub)");
  if (busy || event.altKey || event.ctrlKey || event.metaKey) return undefined;
  if (event.key === " " && event.target.closest("button, summary")) return undefined;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return {
    " ": on.toggle,
    ArrowLeft: () => on.step(-1),
    ArrowRight: () => on.step(1),
    Home: on.first,
    End: on.newest,
    "Shift ArrowUp": () => on.layer(1),
    "Shift ArrowDown": () => on.layer(-1),
    p: on.pin,
    a: on.free,
    "?": on.keys,
    Escape: on.close,
  }[event.shiftKey && key.startsWith("Arrow") ? `Shift ${key}` : key];
}
