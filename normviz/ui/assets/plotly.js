// plotly.js: loaded once a page, by whichever stage comes first.

import { element } from "./elements.js";

let loading;

/** A promise of Plotly, from this address if it is not there yet. */
export function plotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const onerror = () => reject(new Error("plotly.js could not be loaded"));
    document.head.append(element("script", { src: address, onload: () => resolve(window.Plotly), onerror }));
  });
  return loading;
}
