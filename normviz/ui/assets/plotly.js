// plotly.js: loaded once a page, by whichever stage comes first.

import { element } from "./elements.js";

let loading;

/** A promise of Plotly, from this address if it is not there yet. */
export function plotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const onerror = () => {
      loading = undefined; // whoever asks next tries again
      reject(new Error("plotly.js could not be loaded"));
    };
    document.head.append(element("script", { src: address, onload: () => resolve(window.Plotly), onerror }));
  });
  return loading;
}

/** Have Plotly before the first stage asks for it, once a page without a stage has nothing else to do. */
export function plotlyAhead() {
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 1000));
  idle(() => plotly(new URL("plotly.min.js", import.meta.url)).catch(() => {})); // the stage will tell
}
