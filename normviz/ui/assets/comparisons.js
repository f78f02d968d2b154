// What became of a run's headline number after a change: the counterpart of normviz/figures/headlines.py.
//
// A change is called one only where the spreads of both runs lie apart; else it says so.

import { general } from "./notes.js";
import { lookup } from "./refs.js";
import { numeral, said, t } from "./words.js";

const PARTS = {
  apart: (names) => names,
  within: (names, over) => t("within the spread of the {over}: {names}", { names, over }),
  lone: (names) => t("{names} (one number each, so no spread to compare with)", { names }),
  same: (names) => t("unchanged for {names}", { names }),
};
const AT = {
  still: (told) => t("{label}: {found}.", told),
  end: (told) => t("{label} in the end: {found}.", told),
  step: (told) => t("{label} at step {at}: {found}.", told),
  cursor: (told) => t("{label} at {name} {at}: {found}.", told),
};

/**
 * The result of a run at frame k against that of another run, in words; empty where they cannot be compared.
 * Both are compared at the same step, or at their ends once both are over.
 * @param before, run {headline, recording, status}: see runs.js
 */
export function outcome(before, run, k) {
  const place = comparable(before, run) && placed(before, run, k);
  if (!place) return "";
  const old = new Map(before.headline.entries.map((entry) => [entry.name, entry]));
  const found = { apart: [], within: [], lone: [], same: [] };
  for (const entry of run.headline.entries) {
    const other = old.get(entry.name);
    if (!other) continue;
    const [was, is] = [read(other, before.recording, place.other), read(entry, run.recording, place.own)];
    if (was === null || is === null) continue;
    const kind = judged(was, is);
    const numbers = `${written(run, was)} → ${written(run, is)}`;
    found[kind].push(kind === "apart" || kind === "lone" ? `${entry.name} ${numbers}` : entry.name);
  }
  const { label, over } = run.headline;
  const parts = Object.entries(found)
    .filter(([, names]) => names.length)
    .map(([kind, names]) => PARTS[kind](names.join(", "), over));
  return parts.length ? place.told({ label, found: parts.join("; ") }) : "";
}

/** "apart", "within" the spread, "lone" (no spread is known) or the "same". */
export function judged(was, is) {
  if (Object.is(was.value, is.value)) return "same";
  if (!(was.spread.length > 1 && is.spread.length > 1)) return "lone";
  const [low, high] = [Math.min, Math.max].map((extreme) => (some) => extreme(...some));
  const apart = high(was.spread) < low(is.spread) || high(is.spread) < low(was.spread);
  return apart ? "apart" : "within";
}

function comparable(before, run) {
  const [one, other] = [before?.headline, run.headline];
  return one && other && one.label === other.label && before.recording?.length && run.recording?.length;
}

/** Frames {own, other} that belong together, and `told` that says where they are; or null. */
function placed(before, run, k) {
  const { recording } = run;
  if (k < 0) return null;
  const ends = { own: k, other: before.recording.length - 1 };
  if (run.still) return { ...ends, told: AT.still };
  const over = [before, run].every(({ status }) => status === "done");
  const { cursor } = recording.schema.facts;
  if (over && !cursor && k === recording.length - 1) return { ...ends, told: AT.end };
  const position = recording.position(k);
  const other = before.recording.frameAt(position);
  const steps = [stepOf(run, k), stepOf(before, other)];
  if (steps[0] === undefined || steps[0] !== steps[1]) return null;
  const at = cursor ? { name: cursor.label, at: numeral(general(position, 3)) } : { at: steps[0] };
  return { own: k, other, told: (told) => AT[cursor ? "cursor" : "step"]({ ...told, ...at }) };
}

/** The step at which the headline was last measured at frame k. */
function stepOf({ headline, recording }, k) {
  const held = recording.held[recording.schema.place(headline.entries[0].value.ref)];
  return recording.frames[held.findLast((frame) => frame <= k)]?.step;
}

/** {value, spread}: finite numbers; null where nothing has been measured. */
function read({ value, spread }, recording, k) {
  const number = lookup(value, recording, k, {});
  if (typeof number !== "number") return null;
  const around = spread ? Array.from(lookup(spread, recording, k, {})).filter(Number.isFinite) : [];
  return { value: number, spread: around };
}

const written = (run, { value }) =>
  said(`{value:${run.headline.form}}`, { value: Number.isFinite(value) ? value : null });
