/**
 * The Start page's experiment without its screen: a trained network, test digits, and batches of them.
 *
 * The file start.bin is a recording (see normviz/frames.py) of one frame.  Its arrays:
 *   images [797, 8, 8] u1 (0 to 16), labels [797] u1         the test split of seed 0, in the order of the draw
 *   dense{l}.weight [O, I] f4, dense{l}.bias [O] f4          l = 1 … L; the last one gives the logits
 *   norm{l}.weight, .bias, .running_mean, .running_var f4    the batch norm between dense{l} and its ReLU
 * and its facts: tiles (digits shown), pixel_mean and pixel_sd (of pixels / 16), eps, layers (L).
 */

import { Frame, Schema } from "./frames.js";
import { batchNorm, dense, relu, softmax } from "./norms.js";

const MAGIC = "NORMVIZ1";

/** The arrays and facts of a recording's first frame, from the bytes that `Recording.to_bytes` wrote. */
export function readArrays(buffer) {
  const view = new DataView(buffer);
  const text = (at, length) => new TextDecoder().decode(new Uint8Array(buffer, at, length));
  if (text(0, MAGIC.length) !== MAGIC) throw new Error("the file of the network is not a recording");
  const headLength = view.getUint32(MAGIC.length, true);
  const head = MAGIC.length + 4, at = head + headLength;
  const schema = new Schema(JSON.parse(text(head, headLength)).schema);
  const frame = new Frame(schema, new Uint8Array(buffer, at + 4, view.getUint32(at, true)));
  const arrays = schema.arrays.map(({ name, shape }, i) => [name, { shape, data: frame.array(i) }]);
  return { arrays: Object.fromEntries(arrays), facts: schema.facts };
}

/** A trained MLP with batch norm, and the test digits it never saw. */
export class Net {
  constructor({ arrays, facts }) {
    this.facts = facts;
    this.labels = arrays.labels.data;
    this.pixels = arrays.images.data;
    this.pixelsPerDigit = arrays.images.shape[1] * arrays.images.shape[2];
    this.dense = [];
    this.norms = [];
    const exact = (name) => Float64Array.from(arrays[name].data);
    for (let l = 1; l <= facts.layers; l++) {
      const [outputs, inputs] = arrays[`dense${l}.weight`].shape;
      this.dense.push({ weight: exact(`dense${l}.weight`), bias: exact(`dense${l}.bias`), inputs, outputs });
      if (l === facts.layers) break;
      const parts = ["weight", "bias", "running_mean", "running_var"];
      this.norms.push({
        eps: facts.eps,
        ...Object.fromEntries(parts.map((part) => [part, exact(`norm${l}.${part}`)])),
      });
    }
  }

  /**
   * Class probabilities of the digits at `indices`, in that order.
   * In training mode consecutive runs of `batch` digits share their statistics; in evaluation mode the
   * batch has no influence.
   * Shapes: returns [indices.length, 10].
   * @throws {Error} torch's message, in training mode with batches of one.
   */
  predict(indices, { training, batch }) {
    const n = indices.length, size = this.pixelsPerDigit;
    const { pixel_mean: mean, pixel_sd: sd } = this.facts;
    let x = new Float64Array(n * size);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < size; k++) x[i * size + k] = (this.pixels[indices[i] * size + k] / 16 - mean) / sd;
    }
    this.dense.forEach(({ weight, bias, inputs, outputs }, l) => {
      x = dense(x, weight, bias, inputs, outputs);
      if (l < this.norms.length) x = relu(this.#normalized(x, outputs, this.norms[l], training, training ? batch : n));
    });
    return softmax(x, this.dense.at(-1).outputs);
  }

  #normalized(x, channels, layer, training, batch) {
    const y = new Float64Array(x.length);
    for (let from = 0; from < x.length; from += batch * channels) {
      const part = x.subarray(from, from + batch * channels);
      y.set(batchNorm(part, [part.length / channels, channels], layer, training), from);
    }
    return y;
  }
}

/** The most probable class of each sample.  Shapes: p [N, classes]; returns [N]. */
export function winners(p, classes = 10) {
  return Array.from({ length: p.length / classes }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (p[i * classes + c] > p[i * classes + best]) best = c;
    return best;
  });
}

/** A stream of 32-bit whole numbers from a seed (the "mulberry32" generator); the same in Python and here. */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/**
 * The order in which digits are dealt into batches: batch k holds places k·batch to (k+1)·batch - 1.
 * Shuffle 0 is the order of the draw; every other number is a permutation of its own.  `sorted` then sorts
 * by class and keeps that order within a class.  Then the two digits of each of `swaps` change places.
 */
export function dealt(labels, { shuffle, sorted, swaps = "" }) {
  const order = Array.from(labels, (_, i) => i);
  if (shuffle) {
    const next = numbers(shuffle);
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor((next() * (i + 1)) / 2 ** 32);
      [order[i], order[j]] = [order[j], order[i]];
    }
  }
  if (sorted) order.sort((a, b) => labels[a] - labels[b]);
  for (const [one, other] of pairs(swaps)) {
    const here = order.indexOf(one), there = order.indexOf(other);
    [order[here], order[there]] = [other, one];
  }
  return order;
}

/** The pairs of digits in a text such as "5-17,9-30". */
export const pairs = (swaps) => (swaps ? swaps.split(",").map((pair) => pair.split("-").map(Number)) : []);

/** The text with one more pair; the same pair twice in a row is none. */
export function withPair(swaps, one, other) {
  const all = pairs(swaps), [a, b] = all.at(-1) ?? [];
  if ((a === one && b === other) || (a === other && b === one)) all.pop();
  else all.push([one, other]);
  return all.map((pair) => pair.join("-")).join(",");
}
