/** The arithmetic of one cell, with its numbers filled in: a line of MathML for each stage. */

import { averages, backward, learned, place, sizes, subtractsMean, usesBatch } from "./norms_dissected.js";
import { numeral, t } from "./words.js";

const MOST = 8; // terms of a sum that are written out

/** A number as text in the visitor's language: three decimals at most, no trailing zeros, a true minus sign. */
export function plain(v, digits = 3) {
  if (v !== 0 && Math.abs(v) < 0.0005) return v.toExponential(0).replace(/e([+-])(\d+)/, (_, sign, e) =>
    `·10${sign === "-" ? "⁻" : ""}${[...e].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("")}`).replace(/^(-?)1·/, "$1").replace("-", "−");
  const text = v.toFixed(digits).replace(/\.?0+$/, "");
  return numeral((text === "-0" ? "0" : text).replace("-", "−"));
}

const num = (v) => (v < 0 ? `<mrow><mo>(</mo><mn>${plain(v)}</mn><mo>)</mo></mrow>` : `<mn>${plain(v)}</mn>`);
const bare = (v) => `<mn>${plain(v)}</mn>`;
const id = (name) => `<mi>${name}</mi>`;
const op = (name) => `<mo>${name}</mo>`;
const row = (...parts) => `<mrow>${parts.join("")}</mrow>`;
const over = (a, b) => `<mfrac>${row(a)}${row(b)}</mfrac>`;
const root = (...parts) => `<msqrt>${parts.join("")}</msqrt>`;
const square = (a) => `<msup>${a}<mn>2</mn></msup>`;
const sub = (a, b) => `<msub>${id(a)}<mi>${b}</mi></msub>`;
const eq = '<mo form="infix">=</mo>', minus = op("−"), plus = op("+"), times = op("·");
const MU = id("μ"), VAR = square(id("σ")), XHAT = '<mover accent="true"><mi>x</mi><mo>^</mo></mover>', EPS = id("ε");
const signed = (v) => (v < 0 ? minus + bare(-v) : plus + bare(v));


/** A line of a stage: one formula for each equals sign, so that a narrow screen can break it there. */
function line(stage, name, ...parts) {
  const steps = [[]];
  for (const part of parts) part === eq ? steps.push([eq]) : steps.at(-1).push(part);
  return { stage, name, math: steps.map((step) => `<math displaystyle="true">${row(...step)}</math>`).join("<wbr>") };
}
const words = (stage, name, text) => ({ stage, name, text });

/** Lines for cell i of what `dissect` found: {stage, name, math or text}; the last ones are of the way back. */
export function arithmetic(found, layer, i, dy) {
  const count = found.group.reduce((n, g) => n + Number(g === found.group[i]), 0);
  const at = { i, count, found, layer };
  return [...forward(at), ...back(at, dy)];
}

function forward(at) {
  const { found: { norm, x }, i } = at;
  if (!averages(norm)) {
    return [line("x", t("Input"), id("x"), eq, bare(x[i])), words("mean", t("Mean"), t("Nothing is averaged: this cell has no group.")),
      ...squashed(at), ...affine(at), words("running", t("State"), t("It keeps none."))];
  }
  return [line("x", t("Input"), id(weights(norm) ? "v" : "x"), eq, bare(x[i])), mean(at), variance(at), ...normalized(at), ...affine(at),
    ...running(at)];
}

const weights = (norm) => norm.startsWith("weight");

/** Values of the cell's group, in order. */
const members = ({ found, i }) => Array.from(found.x).filter((_, k) => found.group[k] === found.group[i]);

function mean(at) {
  const { found: { norm, mean: means, stored }, i, count } = at;
  if (!subtractsMean(norm)) return words("mean", t("Mean"), t("Not subtracted: only the size of the values counts."));
  if (stored) return line("mean", t("Mean"), MU, eq, `<mtext>${t("running mean")}</mtext>`, eq, bare(means[i]));
  const values = members(at), sum = values.reduce((a, b) => a + b, 0);
  const terms = count <= MOST ? values.map((v, k) => (k ? signed(v) : bare(v))).join("") : bare(sum);
  const symbols = over(op("Σ") + id("x"), id("n"));
  return line("mean", t("Mean"), MU, eq, symbols, eq, over(terms, bare(count)), eq, bare(means[i]));
}

function variance(at) {
  const { found: { norm, stored, squares, variance: of, group }, i, count } = at;
  if (stored) return line("variance", t("Variance"), VAR, eq, `<mtext>${t("running variance")}</mtext>`, eq, bare(of[i]));
  const sum = squares.reduce((a, v, k) => a + (group[k] === group[i] ? v : 0), 0);
  if (norm === "weight_norm") {
    return line("variance", t("Length"), square(row(op("‖"), id("v"), op("‖"))), eq, op("Σ"), square(id("v")), eq, bare(of[i]));
  }
  const term = subtractsMean(norm) ? square(row(op("("), id("x"), minus, MU, op(")"))) : square(id("x"));
  const symbol = subtractsMean(norm) ? VAR : square(id("ν"));
  return line("variance", subtractsMean(norm) ? t("Variance") : t("Mean square"),
    symbol, eq, over(op("Σ") + term, id("n")), eq, over(bare(sum), bare(count)), eq, bare(of[i]));
}

function normalized({ found, layer, i }) {
  const { norm, x, mean: means, variance: of, z, xhat, r, d, settings } = found;
  if (norm === "weight_norm") {
    return [line("normalize", t("Direction"), over(id("v"), op("‖") + id("v") + op("‖")), eq,
      over(bare(x[i]), root(bare(of[i]))), eq, bare(xhat[i]))];
  }
  const centred = subtractsMean(norm);
  const top = centred ? id("x") + minus + MU : id("x");
  const numbers = centred ? bare(x[i]) + signed(-means[i]) : bare(x[i]);
  const renorm = norm === "batch_renorm" && settings.training;
  const first = line("normalize", t("Normalize"), renorm ? id("z") : XHAT, eq,
    over(top, root(centred ? VAR : square(id("ν")), plus, EPS)), eq,
    over(numbers, root(bare(of[i]), plus, bare(layer.eps))), eq, bare(z[i]));
  if (!renorm) return [first];
  return [first, line("normalize", t("Correct"), XHAT, eq, id("z"), times, id("r"), plus, id("d"), eq,
    bare(z[i]), times, bare(r[i]), signed(d[i]), eq, bare(xhat[i]))];
}

function squashed({ found: { norm, x, xhat }, layer, i }) {
  if (norm === "none") return [];
  const argument = row(op("("), bare(layer.alpha), times, num(x[i]), op(")"));
  return [line("normalize", t("Squash"), XHAT, eq, id("tanh"), row(op("("), id("α"), id("x"), op(")")), eq,
    id("tanh"), argument, eq, bare(xhat[i]))];
}

function affine({ found: { norm, gamma, beta, xhat, y }, layer, i }) {
  const has = learned(norm);
  if (norm === "weight_standardization") {
    return [words("affine", t("Scale"), t("The weights have none; group norm of the activations follows, with γ and β."))];
  }
  if (norm === "none") return [line("affine", t("Output"), id("y"), eq, id("x"), eq, bare(y[i]))];
  if (!has.includes("gamma")) return [line("affine", t("Output"), id("y"), eq, XHAT, eq, bare(y[i]))];
  if (norm === "weight_norm") {
    return [line("affine", t("Length g"), id("w"), eq, id("g"), over(id("v"), op("‖") + id("v") + op("‖")), eq, bare(gamma[i]), times,
      num(xhat[i]), eq, bare(y[i]))];
  }
  const product = [bare(gamma[i]), times, num(xhat[i])];
  if (!has.includes("beta")) return [line("affine", t("Scale"), id("y"), eq, id("γ"), XHAT, eq, ...product, eq, bare(y[i]))];
  const sum = [...product, signed(beta[i])];
  if (!has.includes("tau")) {
    return [line("affine", t("Scale, shift"), id("y"), eq, id("γ"), XHAT, plus, id("β"), eq, ...sum, eq, bare(y[i]))];
  }
  return [line("affine", t("Scale, threshold"), id("y"), eq, id("max"), op("("), id("γ"), XHAT, plus, id("β"), op(","), id("τ"),
    op(")"), eq, id("max"), op("("), ...sum, op(","), bare(layer.tau), op(")"), eq, bare(y[i]))];
}

function running({ found: { norm, shape, running: after, variance: of, mean: means, settings }, layer, i, count }) {
  if (!usesBatch(norm)) return [words("running", t("State"), t("It keeps none: the same in train() and eval()."))];
  if (!after) return [words("running", t("Running statistics"), t("Used, and left as they are: eval() does not update them."))];
  const { c } = place(i, shape), keep = 1 - layer.momentum;
  if (norm === "ghost_batch" && settings.ghost < shape[0]) {
    const updates = shape[0] / settings.ghost;
    return [words("running", t("Running statistics"), t(
      "{updates} updates, one for each ghost batch: mean {mean} → {mean_after}, variance {variance} → {variance_after}.", {
        updates, mean: plain(layer.running_mean[c]), mean_after: plain(after.running_mean[c]),
        variance: plain(layer.running_var[c]), variance_after: plain(after.running_var[c]),
      }))];
  }
  const arrow = op("←");
  const unbiased = over(bare(count), bare(count - 1));
  return [
    line("running", t("Running mean"), sub("μ", "run"), arrow, bare(keep), times, num(layer.running_mean[c]), plus,
      bare(layer.momentum), times, num(means[i]), eq, bare(after.running_mean[c])),
    line("running", t("Running variance"), `<msubsup>${id("σ")}${id("run")}<mn>2</mn></msubsup>`, arrow, bare(keep), times,
      bare(layer.running_var[c]), plus, bare(layer.momentum), times, unbiased, times, bare(of[i]), eq, bare(after.running_var[c])),
  ];
}

const BAR = (of) => `<mover>${of}<mo>¯</mo></mover>`;

function back({ found, layer, i }, dy) {
  const { norm, stored, z } = found, lengths = norm === "weight_norm";
  const { g, mean: means, centred } = backward(found, dy, layer);
  const G = id(lengths ? "u" : "g"), lines = [arriving({ found, i }, G, dy, g)];
  if (!averages(norm) || stored) {
    const { dx } = backward(found, dy, layer);
    lines.push(words("centre", t("Minus mean"), t("No average in the forward pass, so nothing is shared on the way back.")));
    lines.push(line("dx", t("Gradient leaving"), id("dx"), eq, bare(dx[i])));
    return lines;
  }
  if (subtractsMean(norm)) lines.push(line("centre", t("Minus mean"), G, minus, BAR(G), eq, bare(g[i]), signed(-means[i]), eq, bare(centred[i])));
  else lines.push(words("centre", t("Minus mean"), t("No mean was subtracted, so none is on the way back.")));
  return [...lines, leaving({ found, layer, i }, G, dy, z)];
}

function arriving({ found: { norm, gamma }, i }, G, dy, g) {
  const D = id(weights(norm) ? "dw" : "dy");
  if (!learned(norm).includes("gamma")) return line("dy", t("Gradient arriving"), G, eq, D, eq, bare(g[i]));
  return line("dy", t("Gradient arriving"), G, eq, id(norm === "weight_norm" ? "g" : "γ"), times, D, eq, bare(gamma[i]), times, num(dy[i]),
    eq, bare(g[i]));
}

function leaving({ found, layer, i }, G, dy, z) {
  const { norm, inverse, r } = found, { centred, along, dx } = backward(found, dy, layer), lengths = norm === "weight_norm";
  const first = subtractsMean(norm) ? G + minus + BAR(G) : G;
  const hat = found.settings.training && norm === "batch_renorm" ? id("z") : XHAT;
  const total = lengths ? op("Σ") : `<mtext>${t("mean")}</mtext>`;
  const size = lengths ? row(op("‖"), id("v"), op("‖")) : subtractsMean(norm) ? id("σ") : id("ν");
  const top = norm === "batch_renorm" ? id("r") : bare(1);
  const symbols = row(op("("), first, minus, hat, times, total, op("("), G, hat, op(")"), op(")"));
  return line("dx", t("Gradient leaving"), id(weights(norm) ? "dv" : "dx"), eq, symbols, over(top, size), eq,
    op("("), bare(centred[i]), minus, num(z[i]), times, num(along[i]), op(")"), times, bare(inverse[i] * r[i]), eq, bare(dx[i]));
}

/** How many cells share a mean with cell i, and which samples, channels and positions they span. */
export function span(found, i) {
  const { shape, group } = found, { positions } = sizes(shape);
  const lit = new Set(), spans = { n: new Set(), c: new Set(), s: new Set() };
  group.forEach((g, k) => {
    if (g !== group[i]) return;
    lit.add(k);
    const at = place(k, shape);
    for (const name of Object.keys(spans)) spans[name].add(at[name]);
  });
  return { lit, samples: spans.n.size, channels: spans.c.size, positions: spans.s.size, every: positions };
}
