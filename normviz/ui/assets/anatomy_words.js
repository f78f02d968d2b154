/** What Anatomy says, made from the numbers on screen. */

import { plain } from "./anatomy_arithmetic.js";
import { averages, learned, sizes, subtractsMean, usesBatch } from "./norms_dissected.js";
import { t, tn } from "./words.js";

const onWeights = (norm) => norm.startsWith("weight");

/** In what company a cell is: `n` cells, itself included, share what its norm takes of a group. */
export function sharing(norm, n) {
  if (n === 1) return t("a group of its own");
  if (norm === "weight_norm") return t("one of {n} that share a length", { n });
  return subtractsMean(norm) ? t("one of {n} that share a mean and variance", { n }) : t("one of {n} that share a mean square", { n });
}

/** The same as the head of a sentence: `lit` of `total` cells. */
function together(norm, told) {
  if (norm === "weight_norm") return t("{lit} of {total} cells share one length:", told);
  return subtractsMean(norm) ? t("{lit} of {total} cells share one mean and variance:", told)
    : t("{lit} of {total} cells share one mean square:", told);
}

/** What the cells hold at a stage: symbol, and a sentence. */
export function stageWords(stage, { norm, stored, refused }) {
  const weights = onWeights(norm), input = weights ? "v" : "x", output = weights ? "w" : "y";
  if (refused) return { symbol: "x", text: t("The input, as it is.") };
  const centred = subtractsMean(norm), quiet = !averages(norm);
  const by = stored ? t("Every cell shows the mean of the channel's running statistics.")
    : t("Every cell shows the mean of the cell's group.");
  return {
    x: { symbol: input, text: weights ? t("The weights as they are learned.") : t("The input: what the layer before hands over.") },
    mean: centred ? { symbol: "μ", text: by }
      : { symbol: "μ", text: quiet ? t("Nothing is averaged.") : t("No mean is subtracted: μ counts as 0.") },
    variance: { symbol: centred ? `(${input} − μ)²` : `${input}²`,
      text: quiet ? t("Nothing is averaged.") : stored ? t("The squared distance from the running mean; it is divided by the running variance instead.")
        : norm === "weight_norm" ? t("Squares of the weights; their sum over a group is ‖v‖².")
        : centred ? t("Squared distances from the mean; their mean over a group is σ².")
        : t("Squared values; their mean over a group is ν².") },
    normalize: { symbol: norm === "weight_norm" ? "v/‖v‖" : "x̂", text: norm === "none" ? t("Nothing happens.")
      : norm === "dyt" ? t("Each value by itself is squashed between −1 and 1.")
      : norm === "weight_norm" ? t("Every unit's weights have length 1.")
      : centred ? t("Centred and divided by σ: no units are left.") : t("Divided by ν: no units are left.") },
    affine: { symbol: output, text: learned(norm).includes("gamma")
      ? (norm === "weight_norm" ? t("The output. A learned length g may undo all of it.")
        : learned(norm).includes("beta") ? t("The output. A learned scale and shift may undo all of it.")
        : t("The output. A learned scale may undo all of it."))
      : t("The output: this norm learns no scale or shift.") },
    running: { symbol: output, text: !usesBatch(norm) ? t("Nothing is kept for later: train() and eval() do the same.")
      : stored ? t("eval() uses the running statistics and leaves them alone.")
      : t("One forward pass in training mode, and each channel's running statistics have moved.") },
    dy: { symbol: weights ? "dw" : "dy", text: weights ? t("The gradient of the marked weight alone: 1 there, 0 elsewhere.")
      : t("The gradient of the marked output alone: 1 there, 0 elsewhere.") },
    centre: { symbol: centred && !stored ? "g − mean" : "g", text: centred && !stored ? t("The scaled gradient, less its mean over the group: what raises all alike is lost.")
      : t("The scaled gradient. No mean was taken on the way, so none is subtracted.") },
    dx: { symbol: weights ? "dv" : "dx", text: weights ? t("How the marked weight answers to each v.") : t("How the marked output answers to each input.") },
  }[stage];
}

/** "4 samples × 16 positions": what a group spans beyond one. */
function extent({ samples, channels, positions }, shape, weights) {
  if (weights) return t("the {n} weights of a filter", { n: positions });
  const parts = [
    samples > 1 && tn("{n} sample", "{n} samples", samples),
    channels > 1 && tn("{n} channel", "{n} channels", channels),
    positions > 1 && (shape.length === 3 ? tn("{n} step", "{n} steps", positions) : tn("{n} position", "{n} positions", positions)),
  ].filter(Boolean);
  return parts.length ? parts.join(" × ") : t("nothing but itself");
}

/** What to look for in what is on screen. */
export function seen({ found, span, moved, edited, i, stage, gradient }) {
  const { norm, shape, stored, r, d, settings } = found, weights = onWeights(norm);
  const lit = span.lit.size, total = found.x.length;
  const parts = [];
  if (!averages(norm)) parts.push(`<b>${t("This cell is alone.")}</b> ${t("Its output depends on no other value.")}`);
  else if (stored) {
    parts.push(`<b>${t("In eval() every cell is alone.")}</b> ${
      t("μ and σ² are the running ones of its channel, whatever else is in the batch: change a value and no neighbour moves.")}`);
  } else {
    parts.push(`<b>${together(norm, { lit, total })}</b> ${extent(span, shape, weights)}.`);
    parts.push(norm === "batch_renorm" ? renormed(r[i], d[i], found, i) : company(norm, span, shape, settings));
    if (lit === 1) parts.push(t("A value that is its own mean is always normalized to 0."));
    if (lit === 2 && subtractsMean(norm)) parts.push(t("Of two values one is always near +1 and the other near −1."));
  }
  if (norm === "weight_standardization") parts.push(t("Group norm of the activations follows; choose it to see its groups."));
  if (edited) {
    parts.push(tn("You have changed {n} value: <b>{moved} of {total}</b> cells differ from before.",
      "You have changed {n} values: <b>{moved} of {total}</b> cells differ from before.", edited, { moved, total }));
  }
  if (["dy", "centre", "dx"].includes(stage)) parts.push(flow(gradient, found, span));
  return parts.join(" ");
}

function company(norm, { samples, channels, positions, every }, shape, { axes }) {
  if (norm === "ghost_batch") return samples > 1 ? t("The other ghost batch has numbers of its own.") : t("Every sample is its own ghost batch.");
  if (samples > 1) return t("A digit's output depends on the digits beside it in the batch.");
  if (["layer", "rms"].includes(norm) && shape.length === 4) {
    return axes === "c" ? t("Each pixel is normalized by itself, as in a vision transformer; torch needs the channels last for it.")
      : t("torch.nn.LayerNorm((C, H, W)): a whole sample, and γ and β for each value of it.");
  }
  if (["layer", "rms"].includes(norm) && shape.length === 3) return t("Each step by itself: no step sees a later one, and padding does no harm.");
  if (norm === "group" && channels === shape[1]) return t("One group is layer norm over (C, H, W), but for γ and β.");
  if (norm === "group" && channels === 1 && positions === every) return every > 1 ? t("As many groups as channels: instance norm.") : "";
  return onWeights(norm) ? t("No activation is touched, and no sample knows of another.") : t("Other samples do not matter.");
}

function renormed(r, d, found, i) {
  const free = Math.abs(found.xhat[i] - (found.x[i] - found.runningMean[i]) * found.runningInverse[i]) < 1e-9;
  const values = { r: plain(r), d: plain(d) };
  return free ? t("r = {r}, d = {d}, inside their limits: they undo the batch, and the output is that of eval(). No neighbour moves.", values)
    : t("r = {r}, d = {d}: at a limit, so a part of the batch's own statistics remains.", values);
}

function flow({ dx, g, i }, found, { lit }) {
  const sum = dx.reduce((a, b) => a + b, 0);
  const felt = dx.reduce((n, v) => n + Number(Math.abs(v) > 1e-9), 0);
  if (Math.abs(g[i]) < 1e-12) return t("The threshold cuts this output off: no gradient passes.");
  const zero = subtractsMean(found.norm) && !found.stored && averages(found.norm);
  if (!zero || lit.size === 1) {
    return tn("The marked cell's gradient reaches <b>{n} cell</b>.", "The marked cell's gradient reaches <b>{n} cells</b>.", felt);
  }
  return tn(
    "The marked cell's gradient reaches <b>{n} cell</b>; over the group it adds up to {sum}: raising all values alike changes nothing.",
    "The marked cell's gradient reaches <b>{n} cells</b>; over the group it adds up to {sum}: raising all values alike changes nothing.",
    felt, { sum: Math.abs(sum) < 1e-9 ? "0" : plain(sum) },
  );
}

/** The layer in torch, as code or as a remark. */
export function inTorch({ norm, form, axes, groups }) {
  if (["batch_renorm", "frn", "dyt"].includes(norm)) return t("not in torch");
  if (norm === "ghost_batch") return t("not in torch: BatchNorm over parts of the batch");
  if (norm === "weight_standardization") return t("not in torch: standardize the weight, then GroupNorm");
  const d = form === "2d" ? "2d" : "1d", shape = form === "2d" && axes === "chw" ? "[4, 4, 4]" : "4";
  return `<code>torch.nn.${{
    batch: `BatchNorm${d}(4)`, instance: `InstanceNorm${d}(4)`, layer: `LayerNorm(${shape})`, rms: `RMSNorm(${shape})`,
    none: "Identity()", group: `GroupNorm(${groups}, 4)`, weight_norm: "utils.parametrizations.weight_norm(layer)",
  }[norm]}</code>`;
}

/** What a norm is, from the catalog. */
export function facts({ label, axes, parameters, state, source }, settings) {
  const rows = [[t("Averages"), axes], [t("Learns"), parameters], [t("Keeps"), state], [t("In torch"), inTorch(settings)], [t("Source"), source || "–"]];
  return `<h2>${label}</h2><dl>${rows.map(([name, text]) => `<dt>${name}</dt><dd>${text}</dd>`).join("")}</dl>`;
}
