// What Streamlit itself says, in the visitor's language (normviz/ui/loanwords.py): it has its words in English only.
//
// A word is exchanged where it stands, in the text node or attribute that React has made.  React writes there again
// only what has changed, in English, and then it is met once more.

const NAMES = ["aria-label", "title", "placeholder"];
const OURS = "code, pre, .nv-stage, .nvt-start, .nva-anatomy";
const WRITTEN = `${OURS}, [data-testid="stMain"] [data-testid="stMarkdownContainer"]`; // by us or by a lesson

let words; // a page speaks one language for as long as it is loaded
let patterns;

/** @param translations English text, or one with {places}, → the same in the visitor's language */
export function lend(translations) {
  if (words) return;
  const all = Object.entries(translations);
  words = new Map(all);
  patterns = all.filter(([english]) => english.includes("{")).map(([english, said]) => [pattern(english), said]);
  exchangeIn(document.body);
  const how = { subtree: true, childList: true, characterData: true, attributeFilter: NAMES };
  new MutationObserver((records) => records.forEach(exchange)).observe(document.body, how);
}

/** {n} is a number, any other place whatever stands there. */
function pattern(english) {
  const literal = english.replace(/[.*+?^$()|[\]\\/]/g, "\\$&");
  return new RegExp(`^${literal.replace(/\{(\w+)\}/g, (_, name) => `(?<${name}>${name === "n" ? "\\d+" : ".+"})`)}$`);
}

function translated(text) {
  if (words.has(text)) return words.get(text);
  for (const [form, said] of patterns) {
    const found = form.exec(text)?.groups;
    if (found) return said.replace(/\{(\w+)\}/g, (_, name) => found[name]);
  }
  return text;
}

function exchange({ type, target, attributeName, addedNodes }) {
  if (type === "attributes") exchangeName(target, attributeName);
  else if (type === "characterData") exchangeText(target);
  else addedNodes.forEach((node) => (node.nodeType === Node.TEXT_NODE ? exchangeText(node) : exchangeIn(node)));
}

function exchangeIn(root) {
  if (root.nodeType !== Node.ELEMENT_NODE || root.closest(OURS)) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) exchangeText(walker.currentNode);
  for (const name of NAMES) {
    exchangeName(root, name);
    for (const one of root.querySelectorAll(`[${name}]`)) exchangeName(one, name);
  }
}

function exchangeText(node) {
  const said = translated(node.data);
  if (said !== node.data && !node.parentElement?.closest(WRITTEN)) node.data = said;
}

function exchangeName(element, name) {
  const text = element.getAttribute(name);
  const said = text && translated(text);
  if (said && said !== text && !element.closest(OURS)) element.setAttribute(name, said);
}
