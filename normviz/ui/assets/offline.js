// A run in a file of its own: all that is played stands in the document (normviz/export/html.py).

import { mount } from "./stage.js";

const held = (name) => document.getElementById(name).textContent;

/** The bytes behind a text in base64 that were compressed. */
async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const told = JSON.parse(held("played"));
const data = { ...told, assets: ".", stream: "none", recording: await inflated(held("recording")) };
const component = { data, parentElement: document.getElementById("stage"), setTriggerValue: () => {} };
mount(component);
// Another theme: the same run in other colours.
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => mount(component));
