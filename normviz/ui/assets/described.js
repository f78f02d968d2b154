// What a chart shows, in words: made from its numbers under the cursor, for those who do not see it.
//
// A figure's `alt` says what it is about; here stands what is in it now, curve by curve and map by map.  It is
// written when the picture comes to rest, not while it moves, and of the same arrays as the picture.

import { element, setText } from "./elements.js";
import { general } from "./notes.js";
import { lookup, replaceRefs } from "./refs.js";
import { numeral, t, unlocalized } from "./words.js";

const REST = 600; // ms without another picture
const MOST = 16; // curves or maps that are told one by one
const LONG = 12; // bars that are told one by one
const FEW = 3; // dots that are told one by one
const SAME = 1e-6; // of a tick's value: recordings hold single precision
const BESIDE = 0.1; // of a tick's value, within which a point is drawn beside others of that tick

const number = (value) => numeral(general(value, 3));
const percent = (value) => numeral(`${general(value, 3)}%`);

/** Descriptions of all the charts of a stage, kept up to date at rest. */
export class Descriptions {
  /** @param status where the picture that has come to rest is announced, politely */
  constructor(status) {
    this.status = status;
  }

  /**
   * The picture is at frame k; unless it is moving, that is told after a moment.
   * @param panels those of the stage
   * @param how {cursors, moving}: see Chart.draw
   * @param where says in words where the cursor stands
   */
  at(panels, recording, k, { cursors, moving }, where) {
    clearTimeout(this.due);
    if (moving || !recording || k < 0) return;
    this.due = setTimeout(() => {
      const told = panels.map((panel) => {
        const resolved = panel.figure.covered ? null : attempt(() => resolve(panel.figure, recording, k, cursors));
        panel.describe(resolved);
        return resolved && panel.root.offsetParent ? `${panel.figure.title}. ${inWords(resolved)}` : "";
      });
      setText(this.status, [where(), told.find(Boolean)].filter(Boolean).join(". "));
    }, REST);
  }

  destroy() {
    clearTimeout(this.due);
  }
}

/** What cannot be drawn is not told either; the panel says so in its place. */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

/** An element that only screen readers meet. */
export const unseen = (tag, properties = {}) => element(tag, { className: "nv-unseen", ...properties });

/** A declared figure with the arrays that it has at frame k: {data, layout, roles}. */
export function resolve({ data, layout, roles }, recording, k, cursors) {
  const value = (part) => replaceRefs(part, (ref) => lookup(ref, recording, k, cursors));
  return { data: data.map(value), layout: value(layout), roles };
}

/** What a resolved figure shows, in sentences. */
export function inWords({ data, layout, roles }) {
  const sentences = data.filter(isTold).map((trace) => told(trace, layout, roles)).filter(Boolean);
  if (!sentences.length) return t("Nothing is drawn yet.");
  const beyond = sentences.length - MOST;
  const shown = beyond > 0 ? [...sentences.slice(0, MOST), t("And {n} more.", { n: beyond })] : sentences;
  return [...axes(layout), ...shown].join(" ");
}

/** Curves, bars and maps with a name; not the edges of bands, single seeds, or ghosts of runs before. */
export function isTold({ type, mode, name, opacity, line, meta, hoverinfo, visible, y, z }) {
  if (visible === false || meta?.ghost === true || !name) return false;
  if (type === "heatmap") return z?.length > 0;
  if (type === "bar") return y?.length > 0;
  if (type !== "scatter" || !y?.length || hoverinfo === "skip") return false;
  if (mode === "text") return false;
  return line?.width !== 0 && !(opacity < 1 && meta?.ghost === false);
}

function told(trace, layout, roles) {
  const [x, y] = spoken(layout, trace);
  const name = nameOf(trace, layout);
  if (trace.type === "heatmap") return map(trace, name, x, y, roles?.y === "layer");
  const points = pairs(trace);
  const dots = trace.type !== "bar" && trace.mode === "markers";
  if (!points.length) return dots ? "" : t("{name}: no finite value.", { name });
  if (dots && points.length > FEW) return cloud(points, name, y);
  return trace.type === "bar" || dots ? bars(points, name, x, y) : curve(points, name, x, y);
}

/** The trace's name, with its panel's where a figure has several that the name does not tell apart. */
export function nameOf({ name, hovertemplate, xaxis = "x" }, layout) {
  const own = plain(/<extra>([^%]+)<.extra>/.exec(hovertemplate)?.[1] ?? name);
  const panels = Object.keys(layout).filter((key) => key.startsWith("xaxis")).length;
  const panel = plain(layout.annotations?.[Number(xaxis.slice(1) || 1) - 1]?.text ?? "");
  return panels > 1 && panel && panel !== own ? t("{panel}, {name}", { panel, name: own }) : own;
}

/** Without Plotly's markup. */
const plain = (text) =>
  String(text).replace(/<sup>/g, "^").replace(/<.sup>/g, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();

/** [place, value] of every point that has both.  Where only x has numbers, they are the values. */
export function pairs({ x, y }) {
  const points = Array.from(y, (one, i) => [x?.length ? x[i] : i, one]);
  return (isLying({ x, y }) ? points.map(([value, at]) => [at, value]) : points).filter(
    ([at, value]) => Number.isFinite(value) && (typeof at !== "number" || Number.isFinite(at)),
  );
}

/** Whether values run along x, beside names along y. */
const isLying = ({ x, y }) => typeof y?.[0] === "string" && typeof x?.[0] === "number";

/** Begin and end, and what lies beyond both, if anything does by a tenth of the whole extent. */
function curve(points, name, x, y) {
  const [[x0, y0], [x1, y1]] = [points[0], points.at(-1)];
  const ends = { name, x0: x(x0), y0: y(y0), x1: x(x1), y1: y(y1) };
  if (points.length === 1) return t("{name}: {y} at {x}.", { name, x: x(x0), y: y(y0) });
  if (points.every(([, one]) => one === y0)) return t("{name}: {y} throughout.", { name, y: y(y0) });
  const low = points.reduce((least, one) => (one[1] < least[1] ? one : least));
  const high = points.reduce((most, one) => (one[1] > most[1] ? one : most));
  const margin = (high[1] - low[1]) / 10;
  const peak = high[1] - Math.max(y0, y1);
  const dip = Math.min(y0, y1) - low[1];
  if (Math.max(peak, dip) <= margin) return t("{name}: {y0} at {x0}, {y1} at {x1}.", ends);
  const there = peak >= dip ? high : low;
  const places = { ...ends, x: x(there[0]), y: y(there[1]) };
  return peak >= dip
    ? t("{name}: {y0} at {x0}, {y1} at {x1}; highest {y} at {x}.", places)
    : t("{name}: {y0} at {x0}, {y1} at {x1}; lowest {y} at {x}.", places);
}

/** Many dots, each for itself: how far they reach. */
function cloud(points, name, y) {
  const heights = points.map(([, one]) => one);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  return t("{name}: {n} points from {low} to {high}.", { name, n: points.length, low: y(low), high: y(high) });
}

function bars(points, name, x, y) {
  const list = points.slice(0, LONG).map(([at, height]) => t("{y} at {x}", { x: x(at), y: y(height) }));
  return t("{name}: {list}.", { name, list: list.join(", ") });
}

/** Histograms, a row for each layer, by their middle halves; other maps by their extremes. */
function map({ x: columns, y: rows, z }, name, x, y, layered) {
  const across = columns?.length ? columns : Array.from(z[0] ?? [], (_, i) => i);
  const down = rows?.length ? rows : Array.from(z, (_, j) => j);
  const last = z.length - 1;
  const halves = layered ? [z[0], z[last]].map((row) => middleHalf(across, row)) : [null];
  if (halves.every(Boolean)) {
    const [[a0, b0], [a1, b1]] = halves;
    return t(
      "{name}: in layer {row0}, half of the values lie between {a0} and {b0}; in layer {row1}, between {a1} and {b1}.",
      { name, row0: y(down[0]), row1: y(down[last]), a0: x(a0), b0: x(b0), a1: x(a1), b1: x(b1) },
    );
  }
  if (layered) return t("{name}: nothing is counted.", { name });
  let [low, high, at] = [Infinity, -Infinity, null];
  for (const [j, row] of Array.from(z).entries()) {
    for (const [i, one] of Array.from(row).entries()) {
      if (!Number.isFinite(one)) continue;
      low = Math.min(low, one);
      if (one > high) [high, at] = [one, [i, j]];
    }
  }
  if (!at) return t("{name}: no finite value.", { name });
  const [i, j] = at;
  const places = { name, low: number(low), high: number(high), x: x(across[i]), y: y(down[j]) };
  return t("{name}: from {low} to {high}; highest at {x}, {y}.", places);
}

/** The places between which the middle half of the counted values lies, or null if nothing was counted. */
function middleHalf(places, counts) {
  const all = counts.reduce((sum, one) => sum + one, 0);
  if (!(all > 0)) return null;
  const quantile = (share) => {
    let sum = 0;
    return places[counts.findIndex((one) => (sum += one) >= share * all)];
  };
  return [quantile(0.25), quantile(0.75)];
}

function axes(layout) {
  const [x, y] = titles(layout);
  return x && y ? [t("{y} by {x}.", { x, y })] : [];
}

/** What a figure's axes measure: the title of x and that of y. */
export function titles(layout) {
  return ["x", "y"].map((letter) => {
    const all = Object.keys(layout).filter((key) => key.startsWith(`${letter}axis`));
    return plain(all.map((key) => layout[key].title?.text).find(Boolean) ?? "");
  });
}

/** How places and values of a trace are said: as the ticks of their axes are written. */
export function spoken(layout, trace) {
  const axes = ["x", "y"].map((letter) => {
    const id = trace[`${letter}axis`] ?? letter;
    return { ...layout[`${letter}axis`], ...layout[`${letter}axis${id.slice(1)}`] };
  });
  const [place, value] = isLying(trace) ? axes.reverse() : axes;
  return [(one) => said(one, place, near), (one) => said(one, value, trace.type === "heatmap" ? near : scaled)];
}

function said(one, { tickvals, ticktext, tickformat = "", ticksuffix = "" }, otherwise) {
  if (typeof one !== "number") return plain(one);
  if (tickvals && ticktext) {
    const ticks = Array.from(tickvals, (at, i) => ({ at, name: plain(ticktext[i]) }));
    const named = ticks.find(({ at }) => Math.abs(at - one) <= SAME * Math.abs(at))?.name ?? otherwise(one, ticks);
    if (named) return named;
  }
  return tickformat.endsWith("%") ? percent(100 * one) : `${number(one)}${ticksuffix}`;
}

/** A place between ticks, by the nearest one; null where ticks are named by their own values and none is near. */
function near(one, ticks) {
  const { at, name } = ticks.reduce((best, tick) => (Math.abs(tick.at - one) < Math.abs(best.at - one) ? tick : best));
  if (ticks.some((tick) => Number(unlocalized(tick.name)) !== tick.at)) return t("about {name}", { name });
  return Math.abs(at - one) <= BESIDE * Math.abs(at) ? name : null;
}

/** A value on an axis whose ticks are percentages, in per cent; null on other axes. */
function scaled(one, ticks) {
  const shares = ticks.filter(({ at, name }) => at && name.endsWith("%")).map(({ at, name }) => parseFloat(unlocalized(name)) / at);
  const even = shares.length > 0 && shares.every((share) => Math.abs(share / shares[0] - 1) < 0.01);
  return even ? percent(one * shares[0]) : null;
}
