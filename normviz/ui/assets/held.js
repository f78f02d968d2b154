// What a file that opens without a server holds (normviz/export/html.py): settings and words, and a recording.

import { element } from "./elements.js";

const held = (name) => document.getElementById(name).textContent;

/** What the page would have been sent. */
export const told = () => JSON.parse(held("played"));

/** The bytes that stand compressed in the document, as text in base64. */
export async function inflated() {
  const bytes = Uint8Array.from(atob(held("recording")), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Show something now, and again in other colours when the theme changes. */
export function themed(show) {
  show();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
}

/**
 * Mount a page that computes in the browser.
 * @param className of the section that it fills
 * @param read makes of the bytes what the page's `mount` waits for
 */
export function settle(className, mount, read) {
  const parentElement = document.getElementById("stage");
  parentElement.append(element("section", { className }));
  const component = { data: { ...told(), alone: true }, parentElement };
  const bytes = inflated().then(read);
  themed(() => mount(component, bytes));
}
