// Sentences made from numbers: templates are written once, in Python's format language, and filled here.

const FIELD = /\{\{|\}\}|\{(\w+)(?::([^{}]*))?\}/g;
const FORMAT = /^([+]?)(,?)(?:\.(\d+))?([dfeg%]?)$/;

/**
 * A template filled with numbers, as Python's str.format would.  `speech` tells for which `language` they are
 * typeset (none: not at all), and how a text becomes a `name` in it.
 */
export function fill(template, numbers, { language, name: named = String } = {}) {
  return template.replace(FIELD, (whole, name, format) => {
    if (name === undefined) return whole[0]; // a doubled brace
    const value = numbers[name];
    if (value === null || value === undefined) return "–";
    return typeof value === "number" ? localized(formatNumber(value, format ?? ""), language) : named(String(value));
  });
}

/** A number, written as Python writes it, as it is printed in a language; see `_numeral` in normviz/ui/words.py. */
export function localized(text, language) {
  if (!language) return text;
  const set = printed(text);
  if (language !== "cs") return set;
  return set.replace(/[.,]/g, (mark) => (mark === "." ? "," : "\u202f")).replace("%", "\u00a0%");
}

const NUMBER = /^([+-]?)(\d[\d.,]*)(?:e([+-]?\d+))?(.*)$/s;
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** -0.5 with a true minus sign, 1.3e-07 as 1.3·10⁻⁷, and no zero below zero. */
export function printed(text) {
  const [, sign, digits, power, rest] = NUMBER.exec(text) ?? [];
  if (digits === undefined) return text;
  const minus = /[1-9]/.test(digits) ? "−" : "";
  const raised = (exponent) => `10${String(Number(exponent)).replace("-", "⁻").replace(/\d/g, (one) => RAISED[one])}`;
  const size = power ? (digits === "1" ? "" : `${digits}·`) + raised(power) : digits;
  return (sign === "-" ? minus : sign) + size + rest;
}

function formatNumber(value, format) {
  const parts = FORMAT.exec(format);
  if (!parts) throw new Error(`format ":${format}" is not supported`);
  const [, plus, comma, digits, kind] = parts;
  const body = written(value, digits === undefined ? undefined : Number(digits), kind, comma !== "");
  return plus && value >= 0 ? `+${body}` : body;
}

function written(value, digits, kind, grouped) {
  if (kind === "%") return `${decimals(100 * value, digits ?? 6, grouped)}%`;
  if (kind === "f") return decimals(value, digits ?? 6, grouped);
  if (kind === "e") return exponential(value, digits ?? 6);
  if (kind === "g" || digits !== undefined) return general(value, digits ?? 6);
  return grouped ? value.toLocaleString("en") : String(value);
}

/** Half-way cases go to the even digit, as in Python; here they would go up. */
function evened(value, digits) {
  if (digits < 0) return value;
  const scaled = Math.abs(value) * 10 ** digits;
  // Only a fraction of a power of two can lie half-way; others only seem to, after the multiplication.
  if (scaled % 1 !== 0.5 || !Number.isInteger(value * 2 ** (digits + 1))) return value;
  return (Math.sign(value) * 2 * Math.round(scaled / 2)) / 10 ** digits;
}

function decimals(exact, digits, grouped) {
  const value = evened(exact, digits);
  if (!grouped) return value.toFixed(digits);
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** As Python's format ".{digits}g". */
export function general(exact, digits) {
  if (exact === 0) return "0";
  const precision = Math.max(1, digits);
  const value = evened(exact, precision - 1 - Math.floor(Math.log10(Math.abs(exact))));
  const exponent = Number(value.toExponential(precision - 1).split("e")[1]);
  if (exponent >= -4 && exponent < precision) return String(Number(value.toPrecision(precision)));
  const [mantissa, power] = exponential(value, precision - 1).split("e");
  return `${mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa}e${power}`;
}

/** Two digits of exponent at least, as Python writes it. */
function exponential(value, digits) {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

/** The newest notes at or before frame k, as [id, numbers] pairs. */
export function notesAt(recording, k) {
  for (let i = recording.noted.length - 1; i >= 0; i -= 1) {
    if (recording.noted[i] <= k) return recording.frames[recording.noted[i]].notes;
  }
  return [];
}
