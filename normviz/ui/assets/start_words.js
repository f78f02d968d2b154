/** What the Start page says, made from the numbers on screen. */

import { t, tn } from "./words.js";

const bold = (text) => `<b>${text}</b>`;

/** torch's refusal as a sentence. */
export function raised(message) {
  return t(
    "In training mode a batch of one cannot be normalized: one value has no spread. torch refuses with {error}. "
      + "Take a batch size of 2 or more, or switch to {eval}.",
    { error: `<code>ValueError: ${message}</code>`, eval: "<code>model.eval()</code>" },
  );
}

/** For the live region: both counters in one sentence. */
export function announced({ settings, evaluated, trained }) {
  const { mode, batch } = settings;
  const wrong = (of) => (of ? t("{wrong} of {n} wrong", { wrong: of.wrong, n: of.of }) : t("no answer, torch raises an error"));
  const told = { batch, evaluated: wrong(evaluated), trained: wrong(trained) };
  return mode === "eval" ? t("Batch size {batch}. Evaluation mode: {evaluated}; training mode: {trained}.", told)
    : t("Batch size {batch}. Training mode: {trained}; evaluation mode: {evaluated}.", told);
}

/** What to look for in what is on screen. */
export function seen({ settings, evaluated, trained }) {
  const { mode, batch, sorted } = settings;
  if (mode === "eval") {
    return `<p>${bold(t("In evaluation mode a digit is judged by itself."))} ${tn(
      "Batch norm uses the mean and variance that it collected during training: {n} of {of} is wrong at every batch "
        + "size, whoever the neighbours are. Now flip the switch.",
      "Batch norm uses the mean and variance that it collected during training: {n} of {of} are wrong at every batch "
        + "size, whoever the neighbours are. Now flip the switch.",
      evaluated.wrong, { of: evaluated.of },
    )}</p>`;
  }
  if (!trained) {
    return `<p>${t(
      "{loud} and that is luck: a convolutional network with batch norm computes on and is silently wrong.",
      { loud: bold(t("At batch size 1 the mistake is loud,")) },
    )}</p>`;
  }
  const flips = trained.answers.filter((says, i) => says !== evaluated.answers[i]).length;
  const cause = t(
    "In training mode every batch norm layer takes its mean and variance from the {batch} digits that are predicted "
      + "together, so a digit's answer depends on its neighbours:",
    { batch },
  );
  const read = tn(
    "{n} digit is read differently than in evaluation mode,", "{n} digits are read differently than in evaluation mode,",
    flips,
  );
  const wrong = tn("and {n} instead of {before} is wrong.", "and {n} instead of {before} are wrong.", trained.wrong, {
    before: evaluated.wrong,
  });
  return `<p>${bold(t("Not one weight has changed."))} ${cause} ${read} ${wrong} ${advice({ batch, sorted, flips })}</p>`;
}

function advice({ batch, sorted, flips }) {
  if (sorted && batch < 64) {
    return t("Sorted by class, a batch holds only a few of the ten digits, and its mean is far from that of the data.");
  }
  if (sorted) return t("One batch holds all 64 digits here, so sorting makes no difference to its mean and variance.");
  if (batch >= 32 || flips === 0) {
    return t("With this many neighbours the statistics are nearly right and nothing looks broken: a validation with "
      + "large batches cannot see the mistake. Move the slider to the left.");
  }
  return t("Give the digits other batch-mates, and others turn red.");
}

/** What the last move did, in numbers; empty if there was none. */
export function moved({ settings, moved: pair, labels, trained, before, order }) {
  if (!pair) return "";
  const { i, j } = pair, batch = (k) => Math.floor(order.indexOf(k) / settings.batch) + 1;
  const places = t("This {one} is in batch {here} now, a {other} in batch {there} instead.", {
    one: labels[i], here: batch(i), other: labels[j], there: batch(j),
  });
  if (settings.mode === "eval") return `${places} ${t("In evaluation mode no label depends on that; flip the switch.")}`;
  if (!trained) return `${places} ${t("A batch of one has no answer.")}`;
  const says = trained.answers[i];
  const own = before.has(i) ? t("It reads {now} instead of {before};", { now: bold(says), before: before.get(i) })
    : t("It still reads {now};", { now: says });
  const others = tn(
    "{n} other digit of the two batches changed label.", "{n} other digits of the two batches changed label.",
    before.size - Number(before.has(i)),
  );
  return `${places} ${own} ${others}`;
}

/** How the digit `label` is read, for a screen reader: it `says` another one, or `was` another one before a move. */
export function read(verdict, { label, says, was }) {
  const told = { label, says, was };
  if (was === undefined) {
    return { silent: t("Digit {label}: no answer", told), right: t("Digit {label}: read correctly", told),
      wrong: t("Digit {label}: read as {says}, wrong", told) }[verdict];
  }
  return { silent: t("Digit {label}: no answer, before the move {was}", told),
    right: t("Digit {label}: read correctly, before the move {was}", told),
    wrong: t("Digit {label}: read as {says}, wrong, before the move {was}", told) }[verdict];
}
