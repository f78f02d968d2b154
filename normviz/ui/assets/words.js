// The visitor's language in the browser: English sentences are the keys, as in normviz/ui/words.py.

import { fill, localized } from "./notes.js";

let words = {};
let language = "en";

/** Take over what the page sent: the language and its catalogue.  Before that everything is English. */
export function speak(speech) {
  words = speech?.words ?? {};
  language = speech?.language ?? "en";
}

/** A sentence in the visitor's language, with its places filled (see notes.js). */
export function t(english, places) {
  const text = words[english] ?? english;
  return places ? said(text, places) : text;
}

/** A sentence about a number of things; `{n}` is the number. */
export function tn(one, many, n, places = {}) {
  const forms = words[one];
  const english = n === 1 ? one : many;
  return said(forms ? forms[form(n)] : english, { n, ...places });
}

/** A template that is already in the visitor's language, filled with numbers and names as that language has them. */
export const said = (template, places) => fill(template, places, { language, name });

/** A number, written as in English, as the visitor's language writes it. */
export const numeral = (text) => localized(text, language);

/** The same as in English, so that it can be read as a number. */
export const unlocalized = (text) => (language === "cs" ? text.replace(/[\u00a0\u202f]/g, "").replace(",", ".") : text);

/** For Plotly: how shares end, whose formats ask for a currency (`_printed` in normviz/ui/speech.py). */
export const locale = () => (language === "cs" ? { locale: "cs", locales: { cs: { format: { currency: ["", "\u00a0%"] } } } } : {});

const BETWEEN = /(, | → | \(|\)$)/;

/** What a run put into a note: a name, several in a row, one after the other, or one in brackets. */
function name(text) {
  return words[text] ?? text.split(BETWEEN).map((one) => words[one] ?? one).join("");
}

function form(n) {
  const rule = new Intl.PluralRules(language).select(n);
  return rule === "one" ? 0 : rule === "few" ? 1 : 2;
}
