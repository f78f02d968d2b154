// Axes of a draft: where they lie, which ticks they have and what stands at them, as Plotly would have it.

import { numeral, said } from "./words.js";

const SPACING = { x: 80, y: 40 }; // pixels that Plotly leaves to a tick's label, at least
const FEWEST = 4; // ticks
const MOST = 9;
const PADDING = 0.055; // of a free axis' length, beyond the outermost points
const MINUS = "−";

/**
 * The axes of a resolved layout by id ("x", "y2"), on a plot of a given size.
 * @param data resolved traces, from which a free axis takes its range
 * @param box {width, height, margin}: pixels
 */
export function axesOf(layout, data, box) {
  const axes = {};
  for (const [name, told] of Object.entries(layout)) {
    const [, letter, number] = /^([xy])axis(\d*)$/.exec(name) ?? [];
    if (letter) axes[letter + number] = axis(letter, told, box);
  }
  for (const [id, one] of Object.entries(axes)) one.range = rangeOf(id, one, axes, data);
  for (const one of Object.values(axes)) one.ticks = ticksOf(one);
  return axes;
}

/** One axis: `start` and `length` in pixels on the page, from the left or from the top. */
function axis(letter, told, { width, height, margin }) {
  const [low, high] = told.domain ?? [0, 1];
  const whole = letter === "x" ? width - margin.l - margin.r : height - margin.t - margin.b;
  const start = letter === "x" ? margin.l + low * whole : margin.t + (1 - high) * whole;
  return { letter, told, log: told.type === "log", start, length: (high - low) * whole };
}

/** The ends of an axis; logarithms on a logarithmic one. */
function rangeOf(id, { letter, told, log }, axes, data) {
  const own = axes[told.matches]?.told ?? told;
  if (own.range && !own.range.some((end) => end === undefined || end.length === 0)) return own.range.map(Number);
  let [low, high] = [Infinity, -Infinity];
  for (const trace of data) {
    if ((trace[`${letter}axis`] ?? letter) !== id && !told.matches) continue;
    for (const value of flat(trace[letter])) {
      const at = log ? Math.log10(value) : Number(value);
      if (Number.isFinite(at)) [low, high] = [Math.min(low, at), Math.max(high, at)];
    }
  }
  if (low > high) return [0, 1];
  const padding = low === high ? 1 : PADDING * (high - low);
  return [low - padding, high + padding];
}

const flat = (values) => (Array.isArray(values) || ArrayBuffer.isView(values) ? values : []);

/** A function from a value to its pixel along an axis. */
export function placing({ letter, log, start, length, range: [low, high] }) {
  const share = (value) => ((log ? Math.log10(value) : value) - low) / (high - low);
  return letter === "x" ? (value) => start + share(value) * length : (value) => start + (1 - share(value)) * length;
}

/** [{at: value, text}] of an axis. */
function ticksOf(axis) {
  const { letter, told, log, length, range } = axis;
  const [low, high] = [Math.min(...range), Math.max(...range)];
  if (told.tickvals) {
    const ticks = Array.from(flat(told.tickvals), (at, i) => ({ at, text: String(told.ticktext?.[i] ?? numeral(String(at))) }));
    return ticks.filter(({ at }) => within(log ? Math.log10(at) : at, low, high));
  }
  const most = Math.max(FEWEST, Math.min(MOST, length / SPACING[letter])) + 1;
  const step = Number(told.dtick) || (log ? Math.max(1, Math.ceil((high - low) / most)) : round((high - low) / most));
  const first = Number(told.tick0) || 0;
  const ticks = [];
  for (let k = Math.ceil((low - first) / step - 1e-6); first + k * step <= high + 1e-6 * step; k += 1) {
    const at = first + k * step;
    ticks.push(log ? { at: 10 ** at, text: power(at) } : { at, text: labelled(at, step, told) });
  }
  return ticks;
}

const within = (at, low, high) => at >= low - 1e-9 && at <= high + 1e-9;

/** The next larger of 1, 2, 5 times a power of ten. */
function round(rough) {
  const base = 10 ** Math.floor(Math.log10(rough));
  return base * [2, 5, 10].find((one) => one >= rough / base);
}

function labelled(at, step, { tickformat, ticksuffix = "" }) {
  if (tickformat?.endsWith("%")) return said(`{x:${tickformat.replace("$", "")}}`, { x: at });
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  return numeral(String(Number(at.toFixed(digits)))) + ticksuffix;
}

const signed = (number) => String(number).replace("-", MINUS);

/** A power of ten, in Plotly's markup. */
function power(exponent) {
  const at = Math.round(exponent);
  if (at === 0 || at === 1) return at ? "10" : "1";
  return `10<sup>${signed(at)}</sup>`;
}
