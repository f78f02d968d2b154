/**
 * One normalization taken apart: which cells share a mean, and every intermediate value of every cell.
 *
 * Tensors are flat, in row-major order, shape [N, C, ...spatial]; weights are [1, O, F], so that a unit takes
 * the place of a channel.  All results have one value for each cell: μ of a cell is the μ of its group.
 * Everything is float64.
 */

import { updateRunning } from "./norms.js";

const BATCH_FAMILY = ["batch", "ghost_batch", "batch_renorm"];
const WITHOUT_MEAN = ["rms", "frn", "weight_norm"];
const POINTWISE = ["none", "dyt"];

export const usesBatch = (norm) => BATCH_FAMILY.includes(norm);
export const subtractsMean = (norm) => !WITHOUT_MEAN.includes(norm) && !POINTWISE.includes(norm);
export const averages = (norm) => !POINTWISE.includes(norm);

/** Whether layer or RMS norm sees each position by itself: "C only", and each step of a sequence. */
const byPosition = (shape, { axes }) => shape.length === 3 || axes === "c";

/** Samples, channels and positions of a shape. */
export function sizes([n, channels, ...spatial]) {
  return { n, channels, positions: spatial.reduce((a, b) => a * b, 1) };
}

/** Sample, channel and position of cell i. */
export function place(i, shape) {
  const { channels, positions } = sizes(shape);
  return { n: Math.floor(i / (channels * positions)), c: Math.floor(i / positions) % channels, s: i % positions };
}

/** The group of each cell as an integer: cells of one group share their mean and variance. */
export function groupsOf(norm, shape, settings) {
  const { n: samples, channels, positions } = sizes(shape);
  const name = {
    layer: ({ n, s }) => (byPosition(shape, settings) ? n * positions + s : n),
    group: ({ n, c }) => n * settings.groups + Math.floor((c * settings.groups) / channels),
    instance: ({ n, c }) => n * channels + c,
    ghost_batch: ({ n, c }) => Math.floor(n / settings.ghost) * channels + c,
    channel: ({ c }) => c,
    alone: ({ n, c, s }) => (n * channels + c) * positions + s,
  };
  const kind = { rms: "layer", frn: "instance", none: "alone", dyt: "alone" }[norm] ?? norm;
  const of = name[kind] ?? name.channel;
  return Int32Array.from({ length: samples * channels * positions }, (_, i) => of(place(i, shape)));
}

/** Which γ and β a cell has: its channel's, or in layer and RMS norm over (C, H, W) its own. */
export function parameterOf(norm, shape, settings, i) {
  const { c, s } = place(i, shape);
  const own = ["layer", "rms"].includes(norm) && !byPosition(shape, settings);
  return own ? c * sizes(shape).positions + s : c;
}

/** What a norm learns, of the parameters in `dissect`. */
export function learned(norm) {
  if (["none", "instance", "weight_standardization"].includes(norm)) return [];
  return { rms: ["gamma"], weight_norm: ["gamma"], frn: ["gamma", "beta", "tau"], dyt: ["alpha", "gamma", "beta"] }[norm]
    ?? ["gamma", "beta"];
}

/**
 * Forward pass, value by value.
 *
 * `layer`: gamma, beta (as many as parameters), running_mean, running_var [C], alpha, tau, eps, momentum,
 * r_max, d_max.  For weight norm gamma is the length g of each unit.
 * `settings`: training, axes, groups, ghost.
 *
 * Returns arrays with one value for each cell: group, mean, squares, variance, inverse (1/√(variance + ε)),
 * z (standardized), r and d, xhat, y; and running, the statistics [C] after the pass, or null.
 * @throws {Error} torch's own, where a batch has one value per channel.
 */
export function dissect(norm, x, shape, layer, settings) {
  const batch = usesBatch(norm), stored = batch && !settings.training;
  const group = groupsOf(stored ? "none" : norm, shape, settings);
  const found = { norm, shape, settings, stored, group, x, running: null };
  if (stored) {
    found.mean = x.map((_, i) => layer.running_mean[place(i, shape).c]);
    found.squares = x.map((v, i) => (v - found.mean[i]) ** 2);
    found.variance = x.map((_, i) => layer.running_var[place(i, shape).c]);
  } else {
    if (batch) refuseSingles(norm, shape, settings);
    found.mean = subtractsMean(norm) ? averaged(x, group) : new Float64Array(x.length);
    found.squares = x.map((v, i) => (v - found.mean[i]) ** 2);
    found.variance = averaged(found.squares, group);
    if (norm === "weight_norm") found.variance = found.variance.map((v) => v * sizes(shape).positions); // ‖v‖²
  }
  standardized(found, layer);
  scaled(found, layer);
  if (batch && settings.training) found.running = updated(found, layer);
  return found;
}

function refuseSingles(norm, shape, { ghost }) {
  const samples = norm === "ghost_batch" ? Math.min(ghost, shape[0]) : shape[0];
  if (samples * sizes(shape).positions > 1) return;
  const size = [samples, ...shape.slice(1)].join(", ");
  throw new Error(`Expected more than 1 value per channel when training, got input size torch.Size([${size}])`);
}

/** The mean of each cell's group. */
function averaged(values, group) {
  const sums = new Map();
  values.forEach((v, i) => {
    const [sum, count] = sums.get(group[i]) ?? [0, 0];
    sums.set(group[i], [sum + v, count + 1]);
  });
  return values.map((_, i) => sums.get(group[i])[0] / sums.get(group[i])[1]);
}

function standardized(found, layer) {
  const { norm, x, mean, variance, shape, settings } = found;
  found.inverse = variance.map((v) => 1 / Math.sqrt(v + layer.eps));
  if (norm === "none") found.inverse = x.map(() => 1);
  if (norm === "dyt") {
    found.inverse = x.map(() => layer.alpha);
    found.z = x.map((v) => Math.tanh(layer.alpha * v));
  } else {
    found.z = x.map((v, i) => (norm === "none" ? v : (v - mean[i]) * found.inverse[i]));
  }
  found.r = x.map(() => 1);
  found.d = x.map(() => 0);
  if (norm === "batch_renorm" && settings.training) {
    const limited = (v, low, high) => Math.min(Math.max(v, low), high);
    const sd = layer.running_var.map((v) => Math.sqrt(v + layer.eps));
    x.forEach((_, i) => {
      const { c } = place(i, shape);
      found.r[i] = limited(1 / found.inverse[i] / sd[c], 1 / layer.r_max, layer.r_max);
      found.d[i] = limited((mean[i] - layer.running_mean[c]) / sd[c], -layer.d_max, layer.d_max);
    });
  }
  found.xhat = found.z.map((v, i) => v * found.r[i] + found.d[i]);
}

function scaled(found, layer) {
  const { norm, shape, settings, xhat } = found, has = learned(norm);
  const parameter = (name, none) => xhat.map((_, i) => (
    has.includes(name) ? layer[name][parameterOf(norm, shape, settings, i)] : none));
  found.gamma = parameter("gamma", 1);
  found.beta = parameter("beta", 0);
  found.before = xhat.map((v, i) => found.gamma[i] * v + found.beta[i]); // the threshold
  found.y = has.includes("tau") ? found.before.map((v) => Math.max(v, layer.tau)) : found.before;
}

/** Running statistics after the pass, one update for each ghost batch. */
function updated({ norm, shape, settings, mean, variance }, layer) {
  const { n, channels, positions } = sizes(shape);
  const size = norm === "ghost_batch" ? Math.min(settings.ghost, n) : n;
  let running = { running_mean: layer.running_mean, running_var: layer.running_var };
  for (let first = 0; first < n; first += size) {
    const at = (values) => Float64Array.from({ length: channels }, (_, c) => values[(first * channels + c) * positions]);
    const part = [size, ...shape.slice(1)];
    running = updateRunning(running, { mean: at(mean), variance: at(variance) }, part, layer.momentum);
  }
  return running;
}

/**
 * Backward pass of what `dissect` found: g = γ·dy, `centred` = g - mean(g), and
 * dx = [g - mean(g) - x̂·mean(g·x̂)] / √(σ² + ε), in the form that the norm's own formula asks for.
 */
export function backward(found, dy, layer) {
  const { norm, group, inverse, z, gamma, stored, x, r } = found;
  const passes = learned(norm).includes("tau") ? found.before.map((v) => Number(v >= layer.tau)) : x.map(() => 1);
  const g = x.map((_, i) => gamma[i] * dy[i] * passes[i]);
  const mean = subtractsMean(norm) && !stored ? averaged(g, group) : x.map(() => 0);
  const centred = g.map((v, i) => v - mean[i]);
  let along = x.map(() => 0); // mean(g·x̂)
  if (averages(norm) && !stored) along = averaged(g.map((v, i) => v * z[i]), group);
  if (norm === "weight_norm") along = along.map((v) => v * sizes(found.shape).positions); // x̂ has length 1
  const slope = norm === "dyt" ? z.map((v) => layer.alpha * (1 - v * v)) : inverse.map((v, i) => v * r[i]);
  return { g, mean, centred, along, dx: centred.map((v, i) => (v - z[i] * along[i]) * slope[i]) };
}
