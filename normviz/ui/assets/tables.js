// The numbers of a figure as CSV, one row a point: the counterpart of normviz/export/tables.py, which says what
// the columns are, and tested against it.

import { isRef, lookup } from "./refs.js";

const SHARE = /^1\/(\d+)$/;

/**
 * @param figure as the page sent it
 * @param frame the one to write, or null for all of them
 * @param cursors which layer is chosen: {layer: 0}
 */
export function csv(figure, recording, frame, cursors) {
  const table = new Table(figure, recording, cursors);
  const rows = figure.data.flatMap((trace) => table.rows(trace, frame));
  const columns = table.columns().filter((name) => rows.some((row) => row[name]));
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))];
  return lines.map((line) => `${line.map(quoted).join(",")}\n`).join("");
}

/** Whether a figure shows single moments, so that one frame and all of them are two things. */
export const isMomentary = (figure) => figure.data.some((trace) => momentary(refsOf(trace)));

class Table {
  constructor(figure, recording, cursors) {
    Object.assign(this, { figure, recording, cursors, schema: recording.schema });
    const counted = this.schema.facts.cursor;
    this.when = counted?.name ?? "Training step";
    this.heads = Object.fromEntries(["x", "y", "z"].map((letter) => [letter, this.#head(letter)]));
    this.panels = panelsOf(figure.layout);
  }

  columns() {
    const axes = this.schema.arrays.flatMap((array) => array.axes);
    const all = [this.when, "panel", "series", "quantity", ...axes, ...Object.values(this.heads), "error", "text"];
    return [...new Set(all)];
  }

  rows(trace, frame) {
    const refs = refsOf(trace);
    const passing = momentary(refs);
    const one = frame ?? this.recording.length - 1;
    const frames = frame !== null || !passing ? [one] : this.#held(refs.filter(({ when }) => when === "now"));
    return frames.flatMap((k) => {
      const when = passing ? { [this.when]: text(this.recording.position(k)) } : {};
      return this.#at(trace, k).map((row) => ({ ...when, ...row }));
    });
  }

  /** The frames that hold something new of these references. */
  #held(refs) {
    const all = new Set(refs.flatMap(({ ref }) => this.recording.held[this.schema.place(ref)]));
    return [...all].sort((a, b) => a - b);
  }

  #at(trace, k) {
    const found = Object.fromEntries(Object.entries(parts(trace)).map(([name, one]) => [name, this.#values(one, k)]));
    const fixed = this.#fixed(trace);
    const { x, y, z, error, text: texts } = found;
    if (z) {
      const rows = z.length && !Array.isArray(z[0]) ? [z] : z;
      const upright = trace.transpose ? (rows[0] ?? []).map((_, i) => rows.map((row) => row[i])) : rows;
      return upright.flatMap((row, j) => row.map((value, i) => {
        const told = texts ? { text: text(texts[j]?.[i] ?? "") } : {};
        return { ...fixed, ...this.#named({ x: x?.[i] ?? i, y: y?.[j] ?? j, z: value }), ...told };
      }));
    }
    const lengths = [x, y].filter(Boolean).map((some) => some.length);
    const rows = [];
    for (let i = 0; lengths.length && i < Math.min(...lengths); i += 1) {
      const point = { x: x?.[i] ?? i, y: y?.[i] ?? i };
      if (point.x === "") continue; // nowhere: such a point is not drawn
      const more = Object.entries({ error, text: texts }).filter(([, some]) => some?.length);
      rows.push({ ...fixed, ...this.#named(point), ...Object.fromEntries(more.map(([name, some]) => [name, text(some[i] ?? "")])) });
    }
    return rows;
  }

  #named(point) {
    return Object.fromEntries(Object.entries(point).map(([name, value]) => [this.heads[name], text(value)]));
  }

  /** Plain values of a trace's array, as texts where they are recorded; shares for counts. */
  #values(value, k) {
    if (!isRef(value)) return value;
    const { unit, dtype } = this.schema.arrays[this.schema.place(value.ref)];
    const [, whole] = value.when === "steps" ? [] : (SHARE.exec(unit) ?? []);
    const single = dtype === "f4" && value.when !== "steps";
    const written = (one) => {
      if (typeof one === "object") return Array.from(one, written);
      return whole ? text(one / Number(whole)) : text(one, single);
    };
    const found = lookup(value, this.recording, k, this.cursors);
    return typeof found === "number" ? [written(found)] : written(found);
  }

  /** Panel, series, quantity, and where on its axes the array is held. */
  #fixed(trace) {
    const told = { panel: this.panels[trace.xaxis ?? "x"] ?? "", series: plain(trace.name ?? "") };
    const ref = [trace.z, trace.y, trace.x].find((one) => isRef(one) && one.when !== "steps");
    if (!ref) return told;
    told.quantity = ref.ref;
    const { axes, shape } = this.schema.arrays[this.schema.place(ref.ref)];
    axes.slice(0, ref.index.length).forEach((axis, n) => {
      const at = typeof ref.index[n] === "string" ? (this.cursors[ref.index[n]] ?? 0) : ref.index[n];
      if (at !== null) told[axis] = this.#label(axis, at < 0 ? at + shape[n] : at);
    });
    return told;
  }

  #label(axis, i) {
    const label = this.schema.labels[axis]?.[i];
    return label === undefined ? String(axis === "layer" ? i + 1 : i) : text(label);
  }

  /** Column of x, y or z: the titles of its axes, or the unit of what is recorded. */
  #head(letter) {
    const { layout, data } = this.figure;
    const axes = Object.entries(layout).filter(([name]) => new RegExp(`^${letter}axis\\d*$`).test(name));
    const titles = axes.map(([, axis]) => plain(axis.title?.text ?? ""));
    const units = data.map((trace) => trace[letter]).map((one) => (isRef(one) && one.when !== "steps" ? this.#unit(one) : ""));
    const joined = (some) => [...new Set(some.filter(Boolean))].join(" / ");
    const told = joined(titles) || joined(units);
    return told ? `${letter}: ${told}` : letter;
  }

  #unit({ ref }) {
    const { unit } = this.schema.arrays[this.schema.place(ref)];
    return SHARE.test(unit) ? "share" : unit;
  }
}

/** The arrays of a trace that make its points. */
function parts(trace) {
  const found = { x: trace.x, y: trace.y, z: trace.z, text: trace.text };
  for (const bars of [trace.error_y, trace.error_x]) if (isArray(bars?.array)) found.error = bars.array;
  return Object.fromEntries(Object.entries(found).filter(([, value]) => isArray(value)));
}

const isArray = (value) => isRef(value) || Array.isArray(value);
const refsOf = (trace) => Object.values(parts(trace)).filter(isRef);

function momentary(refs) {
  const whens = refs.map(({ when }) => when);
  return whens.includes("now") && !whens.includes("history") && !whens.includes("steps");
}

/** Titles of the panels by the names of their x axes, in the order in which figures put them. */
function panelsOf(layout) {
  const axes = Object.keys(layout).filter((name) => /^xaxis\d*$/.test(name)).map((name) => name.replace("xaxis", "x"));
  const titles = (layout.annotations ?? []).filter(({ xref }) => xref === "paper").map((one) => plain(one.text ?? ""));
  return axes.length > 1 ? Object.fromEntries(axes.map((axis, i) => [axis, titles[i] ?? ""])) : {};
}

/** Words of a title without its marks. */
const plain = (words) => words.replace(/<[^>]*>/g, " ").replace(/ {2}/g, " ").trim();

/** A value in a cell; a number as the shortest text that says the same in its own precision. */
function text(value, single = false) {
  if (typeof value === "string") return plain(value);
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "" : value > 0 ? "inf" : "-inf";
  const short = single ? shortest(value) : value;
  const size = Math.abs(short);
  if (size === 0 || (size >= 1e-4 && size < 1e15)) return Object.is(short, -0) ? "-0" : String(short);
  return short.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

/** The number of the fewest digits that is this one in single precision. */
function shortest(value) {
  for (let digits = 1; digits < 9; digits += 1) {
    const near = Number(value.toPrecision(digits));
    if (Math.fround(near) === value) return evened(value, digits, near);
  }
  return Number(value.toPrecision(9));
}

/** Half-way between two texts the even digit is taken, as Python does. */
function evened(value, digits, near) {
  const [exact, exponent] = value.toExponential(digits).split("e");
  if (!exact.endsWith("5") || Number(`${exact}e${exponent}`) !== value) return near;
  const below = Number(`${exact.slice(0, -1)}e${exponent}`);
  return Number(exact.at(-2)) % 2 === 0 && Math.fround(below) === value ? below : near;
}

const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
