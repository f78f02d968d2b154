// Light and dark: the charts take fonts and colours from the page's own variables.

import { LOOK } from "./look.js";

const BASE = 16; // pixels of the page's font; a presenter's is larger, and the charts' grow with it
const canvas = document.createElement("canvas").getContext("2d");

/** Any CSS colour as [red, green, blue]. */
function rgb(colour) {
  canvas.fillStyle = "#000";
  canvas.fillStyle = colour;
  const hex = canvas.fillStyle;
  if (hex.startsWith("#")) return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return hex.match(/[\d.]+/g).slice(0, 3).map(Number);
}

/** What the charts need to know of the page's theme. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: read("--st-text-color", LOOK.text),
    background: read("--st-background-color", LOOK.background),
    raised: read("--st-secondary-background-color", LOOK.raised),
    border: read("--st-border-color", LOOK.border),
    font: read("--st-font", LOOK.font),
    scale: parseFloat(getComputedStyle(document.documentElement).fontSize) / BASE || 1,
  };
}

const FONTS = new Set(["font", "tickfont", "textfont"]);

/** A part of a figure in which the sizes that it gives to its type itself grow with the page's as well. */
export function enlarged(part, scale = 1) {
  if (scale === 1 || typeof part !== "object" || part === null || ArrayBuffer.isView(part)) return part;
  if (Array.isArray(part)) return part.map((one) => enlarged(one, scale));
  return Object.fromEntries(Object.entries(part).map(([key, one]) => {
    const grown = enlarged(one, scale);
    return [key, FONTS.has(key) && typeof one?.size === "number" ? { ...grown, size: Math.round(one.size * scale) } : grown];
  }));
}

/** The theme as a Plotly template: what a figure does not say itself, in the page's colours. */
export function plotlyTemplate(theme) {
  const sized = (pixels) => Math.round(pixels * theme.scale);
  const faded = (alpha) => `rgba(${rgb(theme.text).join(",")},${alpha})`;
  const { faded: alpha, size } = LOOK;
  const axis = {
    gridcolor: faded(alpha.grid),
    linecolor: faded(alpha.line),
    tickcolor: faded(alpha.line),
    tickfont: { color: faded(alpha.tick), size: sized(size.tick) },
    title: { font: { color: faded(alpha.title), size: sized(size.title) }, standoff: size.standoff },
    showline: true,
    zeroline: false,
    ticks: "outside",
    ticklen: size.ticks,
    automargin: theme.scale > 1, // else the margins are those that fit
  };
  return {
    layout: {
      font: { family: theme.font, color: theme.text, size: sized(size.text) },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      xaxis: axis,
      yaxis: axis,
      hoverlabel: {
        bgcolor: theme.raised,
        bordercolor: theme.border,
        namelength: -1, // a name is said to its end
        font: { family: theme.font, color: theme.text, size: sized(size.text) },
      },
      annotationdefaults: { font: { color: faded(alpha.annotation) } },
    },
  };
}
