/** What Anatomy says, made from the numbers on screen. */

import { common, plain } from "./anatomy_arithmetic.js";
import { averages, learned, sizes, subtractsMean, usesBatch } from "./norms_dissected.js";

const onWeights = (norm) => norm.startsWith("weight");
const many = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

/** What the cells hold at a stage: symbol, and a sentence. */
export function stageWords(stage, { norm, stored, refused }) {
  const weights = onWeights(norm), input = weights ? "v" : "x", output = weights ? "w" : "y";
  if (refused) return { symbol: "x", text: "The input, as it is." };
  const centred = subtractsMean(norm), quiet = !averages(norm);
  const by = stored ? "of the channel's running statistics" : "of the cell's group";
  return {
    x: { symbol: input, text: weights ? "The weights as they are learned." : "The input: what the layer before hands over." },
    mean: centred ? { symbol: "μ", text: `Every cell shows the mean ${by}.` }
      : { symbol: "μ", text: quiet ? "Nothing is averaged." : "No mean is subtracted: μ counts as 0." },
    variance: { symbol: centred ? `(${input} − μ)²` : `${input}²`,
      text: quiet ? "Nothing is averaged." : stored ? "The squared distance from the running mean; it is divided by the running variance instead."
        : norm === "weight_norm" ? "Squares of the weights; their sum over a group is ‖v‖²."
        : `Squared ${centred ? "distances from the mean" : "values"}; their mean over a group is ${centred ? "σ²" : "ν²"}.` },
    normalize: { symbol: norm === "weight_norm" ? "v/‖v‖" : "x̂", text: norm === "none" ? "Nothing happens."
      : norm === "dyt" ? "Each value by itself is squashed between −1 and 1."
      : norm === "weight_norm" ? "Every unit's weights have length 1."
      : `${centred ? "Centred and divided" : "Divided"} by ${centred ? "σ" : "ν"}: no units are left.` },
    affine: { symbol: output, text: learned(norm).includes("gamma")
      ? `The output. ${norm === "weight_norm" ? "A learned length g" : `A learned scale${learned(norm).includes("beta") ? " and shift" : ""}`} may undo all of it.`
      : "The output: this norm learns no scale or shift." },
    running: { symbol: output, text: !usesBatch(norm) ? "Nothing is kept for later: train() and eval() do the same."
      : stored ? "eval() uses the running statistics and leaves them alone."
      : "One forward pass in training mode, and each channel's running statistics have moved." },
    dy: { symbol: weights ? "dw" : "dy", text: `The gradient of the marked ${weights ? "weight" : "output"} alone: 1 there, 0 elsewhere.` },
    centre: { symbol: centred && !stored ? "g − mean" : "g", text: centred && !stored ? "The scaled gradient, less its mean over the group: what raises all alike is lost."
      : "The scaled gradient. No mean was taken on the way, so none is subtracted." },
    dx: { symbol: weights ? "dv" : "dx", text: `How the marked ${weights ? "weight" : "output"} answers to each ${weights ? "v" : "input"}.` },
  }[stage];
}

const over = { n: "samples", c: "channels", s: "positions" };

/** "4 samples and 16 positions": what a group spans beyond one. */
function extent({ samples, channels, positions }, shape, weights) {
  if (weights) return `the ${positions} weights of a filter`;
  const parts = [[samples, over.n], [channels, over.c], [positions, shape.length === 3 ? "steps" : over.s]]
    .filter(([n]) => n > 1).map(([n, what]) => `${n} ${what}`);
  return parts.length ? parts.join(" × ") : "nothing but itself";
}

/** What to look for in what is on screen. */
export function seen({ found, span, moved, edited, i, stage, gradient }) {
  const { norm, shape, stored, r, d, settings } = found, weights = onWeights(norm);
  const lit = span.lit.size, total = found.x.length;
  const parts = [];
  if (!averages(norm)) parts.push(`<b>This cell is alone.</b> Its output depends on no other value.`);
  else if (stored) {
    parts.push(`<b>In eval() every cell is alone.</b> μ and σ² are the running ones of its channel, whatever else is in the
      batch: change a value and no neighbour moves.`);
  } else {
    parts.push(`<b>${lit} of ${total} cells share one ${common(norm)}:</b>
      ${extent(span, shape, weights)}.`);
    parts.push(norm === "batch_renorm" ? renormed(r[i], d[i], found, i) : company(norm, span, shape, settings));
    if (lit === 1) parts.push("A value that is its own mean is always normalized to 0.");
    if (lit === 2 && subtractsMean(norm)) parts.push("Of two values one is always near +1 and the other near −1.");
  }
  if (norm === "weight_standardization") parts.push("Group norm of the activations follows; choose it to see its groups.");
  if (edited) parts.push(`You have changed ${many(edited, "value")}: <b>${moved} of ${total}</b> cells differ from before.`);
  if (["dy", "centre", "dx"].includes(stage)) parts.push(flow(gradient, found, span));
  return parts.join(" ");
}

function company(norm, { samples, channels, positions, every }, shape, { axes }) {
  if (norm === "ghost_batch") return samples > 1 ? "The other ghost batch has numbers of its own." : "Every sample is its own ghost batch.";
  if (samples > 1) return "A digit's output depends on the digits beside it in the batch.";
  if (["layer", "rms"].includes(norm) && shape.length === 4) {
    return axes === "c" ? "Each pixel is normalized by itself, as in a vision transformer; torch needs the channels last for it."
      : "torch.nn.LayerNorm((C, H, W)): a whole sample, and γ and β for each value of it.";
  }
  if (["layer", "rms"].includes(norm) && shape.length === 3) return "Each step by itself: no step sees a later one, and padding does no harm.";
  if (norm === "group" && channels === shape[1]) return "One group is layer norm over (C, H, W), but for γ and β.";
  if (norm === "group" && channels === 1 && positions === every) return every > 1 ? "As many groups as channels: instance norm." : "";
  return onWeights(norm) ? "No activation is touched, and no sample knows of another." : "Other samples do not matter.";
}

function renormed(r, d, found, i) {
  const free = Math.abs(found.xhat[i] - (found.x[i] - found.runningMean[i]) * found.runningInverse[i]) < 1e-9;
  const values = `r = ${plain(r)}, d = ${plain(d)}`;
  return free ? `${values}, inside their limits: they undo the batch, and the output is that of eval(). No neighbour moves.`
    : `${values}: at a limit, so a part of the batch's own statistics remains.`;
}

function flow({ dx, g, i }, found, { lit }) {
  const sum = dx.reduce((a, b) => a + b, 0);
  const felt = dx.reduce((n, v) => n + Number(Math.abs(v) > 1e-9), 0);
  if (Math.abs(g[i]) < 1e-12) return "The threshold cuts this output off: no gradient passes.";
  const zero = subtractsMean(found.norm) && !found.stored && averages(found.norm);
  return `The marked cell's gradient reaches <b>${many(felt, "cell")}</b>${zero && lit.size > 1
    ? `; over the group it adds up to ${Math.abs(sum) < 1e-9 ? "0" : plain(sum)}: raising all values alike changes nothing.` : "."}`;
}

const ASIDE = {
  batch_renorm: "not in torch", frn: "not in torch", ghost_batch: "not in torch: BatchNorm over parts of the batch",
  weight_standardization: "not in torch: standardize the weight, then GroupNorm", dyt: "not in torch", none: "torch.nn.Identity()",
};

/** The layer in torch, as code or as a remark. */
export function inTorch({ norm, form, axes, groups }) {
  if (ASIDE[norm]) return ASIDE[norm].startsWith("not") ? ASIDE[norm] : `<code>${ASIDE[norm]}</code>`;
  const d = form === "2d" ? "2d" : "1d", shape = form === "2d" && axes === "chw" ? "[4, 4, 4]" : "4";
  return `<code>torch.nn.${{
    batch: `BatchNorm${d}(4)`, instance: `InstanceNorm${d}(4)`, layer: `LayerNorm(${shape})`, rms: `RMSNorm(${shape})`,
    group: `GroupNorm(${groups}, 4)`, weight_norm: "utils.parametrizations.weight_norm(layer)",
  }[norm]}</code>`;
}

/** What a norm is, from the catalog. */
export function facts({ label, axes, parameters, state, source }, settings) {
  const rows = [["Averages", axes], ["Learns", parameters], ["Keeps", state], ["In torch", inTorch(settings)], ["Source", source || "–"]];
  return `<h3>${label}</h3><dl>${rows.map(([name, text]) => `<dt>${name}</dt><dd>${text}</dd>`).join("")}</dl>`;
}
