/**
 * The arithmetic of normalization layers, in plain JavaScript.
 *
 * Tensors are flat typed arrays in row-major order; `shape` is [N, C, ...spatial]: N samples, C channels.
 * Everything is computed in float64, so results are nearer to the exact value than a float32 framework's.
 * Arguments and defaults have torch's names and meanings.  No function changes its arguments.
 */

/**
 * Mean and variance of each channel; the variance is the biased one (divided by the count).
 * @typedef {{mean: Float64Array, variance: Float64Array}} Statistics
 */

const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

/**
 * Linear layer: y = x·Wᵀ + b.
 * Shapes: x [N, I], weight [O, I], bias [O] or null; returns [N, O].
 */
export function dense(x, weight, bias, inputs, outputs) {
  const n = x.length / inputs;
  const y = new Float64Array(n * outputs);
  for (let o = 0; o < outputs; o++) {
    const row = o * inputs;
    for (let i = 0; i < n; i++) {
      const from = i * inputs;
      // Two sums side by side: an addition need not wait for the one before it.
      let even = 0, odd = 0, k = 0;
      for (; k + 1 < inputs; k += 2) {
        even += x[from + k] * weight[row + k];
        odd += x[from + k + 1] * weight[row + k + 1];
      }
      if (k < inputs) even += x[from + k] * weight[row + k];
      y[i * outputs + o] = even + odd + (bias ? bias[o] : 0);
    }
  }
  return y;
}

/** max(x, 0), value by value. */
export function relu(x) {
  return x.map((v) => (v > 0 ? v : 0));
}

/**
 * exp(x) / Σ exp(x) over the classes of each sample, safe for large logits.
 * Shapes: x [N, C]; returns [N, C].
 */
export function softmax(x, classes) {
  const p = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += classes) {
    let top = -Infinity, sum = 0;
    for (let c = 0; c < classes; c++) top = Math.max(top, x[from + c]);
    for (let c = 0; c < classes; c++) sum += p[from + c] = Math.exp(x[from + c] - top);
    for (let c = 0; c < classes; c++) p[from + c] /= sum;
  }
  return p;
}

/**
 * Mean and biased variance of each channel over samples and space: what batch norm uses while training.
 * Shapes: x [N, C, ...spatial]; returns two arrays [C].
 * @returns {Statistics}
 */
export function batchStatistics(x, shape) {
  const [n, channels, ...spatial] = shape;
  const s = product(spatial), count = n * s;
  const mean = new Float64Array(channels), variance = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    let sum = 0, squares = 0;
    eachOfChannel(n, channels, s, c, (at) => { sum += x[at]; });
    const m = sum / count;
    // A second pass: the mean of squares minus the square of the mean loses digits when the mean is large.
    eachOfChannel(n, channels, s, c, (at) => { squares += (x[at] - m) ** 2; });
    mean[c] = m;
    variance[c] = squares / count;
  }
  return { mean, variance };
}

function eachOfChannel(n, channels, s, c, visit) {
  for (let i = 0; i < n; i++) {
    const from = (i * channels + c) * s;
    for (let k = 0; k < s; k++) visit(from + k);
  }
}

/**
 * y = (x - mean) / √(variance + eps) · weight + bias, each channel with its own four numbers.
 * Shapes: x [N, C, ...spatial]; mean, variance, weight, bias [C] (weight and bias may be null).
 * @param {Statistics} statistics
 */
export function normalize(x, shape, statistics, { weight = null, bias = null, eps = 1e-5 } = {}) {
  const [n, channels, ...spatial] = shape;
  const s = product(spatial);
  const y = new Float64Array(x.length);
  for (let c = 0; c < channels; c++) {
    const mean = statistics.mean[c];
    const factor = (weight ? weight[c] : 1) / Math.sqrt(statistics.variance[c] + eps);
    const shift = bias ? bias[c] : 0;
    eachOfChannel(n, channels, s, c, (at) => { y[at] = (x[at] - mean) * factor + shift; });
  }
  return y;
}

/**
 * Batch norm, `training` or not: with the statistics of this batch, or with the running ones.
 * `layer` has running_mean, running_var, weight, bias [C] and eps.
 * @throws {Error} in training, one value per channel: torch's own message.
 */
export function batchNorm(x, shape, layer, training) {
  if (!training) {
    return normalize(x, shape, { mean: layer.running_mean, variance: layer.running_var }, layer);
  }
  if (product(shape) === shape[1]) {
    throw new Error(
      `Expected more than 1 value per channel when training, got input size torch.Size([${shape.join(", ")}])`,
    );
  }
  return normalize(x, shape, batchStatistics(x, shape), layer);
}

/**
 * What a training pass makes of the running statistics: (1 - momentum)·running + momentum·batch, where the
 * running variance takes the *unbiased* variance of the batch.
 * @param {Statistics} statistics of the batch, as `batchStatistics` gives them
 */
export function updateRunning(layer, statistics, shape, momentum = 0.1) {
  const count = product(shape) / shape[1];
  const unbiased = count / (count - 1);
  const towards = (old, fresh) => (1 - momentum) * old + momentum * fresh;
  return {
    running_mean: Float64Array.from(layer.running_mean, (old, c) => towards(old, statistics.mean[c])),
    running_var: Float64Array.from(layer.running_var, (old, c) => towards(old, statistics.variance[c] * unbiased)),
  };
}
