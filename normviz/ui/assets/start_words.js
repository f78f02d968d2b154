/** What the Start page says, made from the numbers on screen. */

const are = (n) => (n === 1 ? "is" : "are");

/** torch's refusal as a sentence. */
export function raised(message) {
  return `In training mode a batch of one cannot be normalized: one value has no spread. torch refuses with
    <code>ValueError: ${message}</code>. Take a batch size of 2 or more, or switch to <code>model.eval()</code>.`;
}

/** For the live region: both counters in one sentence. */
export function announced({ settings, evaluated, trained }) {
  const { mode, batch } = settings;
  const train = trained ? `${trained.wrong} of ${trained.of} wrong` : "no answer, torch raises an error";
  const evaluation = `${evaluated.wrong} of ${evaluated.of} wrong`;
  const [now, other] = mode === "eval"
    ? [`Evaluation mode: ${evaluation}`, `training mode: ${train}`]
    : [`Training mode: ${train}`, `evaluation mode: ${evaluation}`];
  return `Batch size ${batch}. ${now}; ${other}.`;
}

/** What to look for in what is on screen. */
export function seen({ settings, evaluated, trained }) {
  const { mode, batch, sorted } = settings;
  if (mode === "eval") {
    return `<p><b>In evaluation mode a digit is judged by itself.</b> Batch norm uses the mean and variance that it
      collected during training: ${evaluated.wrong} of ${evaluated.of} ${are(evaluated.wrong)} wrong at every batch
      size, whoever the neighbours are. Now flip the switch.</p>`;
  }
  if (!trained) {
    return `<p><b>At batch size 1 the mistake is loud,</b> and that is luck: a convolutional network with batch norm
      computes on and is silently wrong.</p>`;
  }
  const flips = trained.answers.filter((says, i) => says !== evaluated.answers[i]).length;
  const cause = `<b>Not one weight has changed.</b> In training mode every batch norm layer takes its mean and variance
    from the ${batch} digits that are predicted together, so a digit's answer depends on its neighbours:
    ${flips} ${flips === 1 ? "digit is" : "digits are"} read differently than in evaluation mode, and
    ${trained.wrong} instead of ${evaluated.wrong} ${are(trained.wrong)} wrong.`;
  return `<p>${cause} ${advice({ batch, sorted, flips })}</p>`;
}

function advice({ batch, sorted, flips }) {
  if (sorted && batch < 64) {
    return "Sorted by class, a batch holds only a few of the ten digits, and its mean is far from that of the data.";
  }
  if (sorted) return "One batch holds all 64 digits here, so sorting makes no difference to its mean and variance.";
  if (batch >= 32 || flips === 0) {
    return "With this many neighbours the statistics are nearly right and nothing looks broken: a validation with "
      + "large batches cannot see the mistake. Move the slider to the left.";
  }
  return "Give the digits other batch-mates, and others turn red.";
}

/** What the last move did, in numbers; empty if there was none. */
export function moved({ settings, moved: pair, labels, trained, before, order }) {
  if (!pair) return "";
  const { i, j } = pair, batch = (k) => Math.floor(order.indexOf(k) / settings.batch) + 1;
  const places = `This ${labels[i]} is in batch ${batch(i)} now, a ${labels[j]} in batch ${batch(j)} instead. `;
  if (settings.mode === "eval") return `${places}In evaluation mode no label depends on that; flip the switch.`;
  if (!trained) return `${places}A batch of one has no answer.`;
  const says = trained.answers[i];
  const own = before.has(i) ? `It reads <b>${says}</b> instead of ${before.get(i)}` : `It still reads ${says}`;
  const others = before.size - Number(before.has(i));
  return `${places}${own}; ${others} ${others === 1 ? "other digit" : "other digits"} of the two batches changed label.`;
}
