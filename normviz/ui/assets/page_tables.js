// The numbers of the pages that compute in the browser, as CSV: the counterpart of normviz/export/page_tables.py,
// which says what the columns are.

import { general } from "./notes.js";
import { place } from "./norms_dissected.js";

const DIGITS = 9;
const POINTWISE = ["none", "dyt"];

const lines = (rows) => rows.map((row) => `${row.join(",")}\n`).join("");
const number = (value) => general(value, DIGITS);

/** One row a digit.  `trained` is null where torch raises. */
export function digitsTable({ labels, order, batch, evaluated, trained }) {
  const said = (mode, i) => (mode ? [mode.answers[i], number(mode.probabilities[i][mode.answers[i]])] : ["", ""]);
  const rows = Array.from(labels, (label, i) => [
    i, label, Math.floor(order.indexOf(i) / batch) + 1, ...said(evaluated, i), ...said(trained, i),
  ]);
  return lines([
    ["digit", "label", "batch", "eval answer", "eval probability", "train answer", "train probability"], ...rows,
  ]);
}

/**
 * One row a cell.  `found` as `dissect` returns it, `dx` for a gradient of 1 at the chosen cell's output.
 * @param kind "1d", "2d", "sequence" or "weights"
 */
export function cellsTable(kind, { found, chosen, dx, refused }) {
  const { shape, norm, group, mean, variance, x, xhat, y } = found;
  const width = shape.at(-1);
  const where = {
    "1d": [["sample", "channel"], ({ n, c }) => [n + 1, c + 1]],
    "2d": [["sample", "channel", "row", "column"], ({ n, c, s }) => [n + 1, c + 1, Math.floor(s / width) + 1, (s % width) + 1]],
    sequence: [["sample", "channel", "step"], ({ n, c, s }) => [n + 1, c + 1, s + 1]],
    weights: [["unit", "weight"], ({ c, s }) => [c + 1, s + 1]],
  };
  const [places, at] = where[kind];
  const averaged = POINTWISE.includes(norm) ? {} : { mean, variance };
  const dy = Float64Array.from(x, (_, i) => Number(i === chosen));
  const columns = refused ? { x } : { x, ...averaged, xhat, y, dy, dx };
  const rows = Array.from(x, (_, i) => [
    i, ...at(place(i, shape)), ...(refused ? [] : [Number(group[i] === group[chosen])]),
    ...Object.values(columns).map((values) => number(values[i])),
  ]);
  return lines([["cell", ...places, ...(refused ? [] : ["group"]), ...Object.keys(columns)], ...rows]);
}
