// A draft of a chart: the declared figure in a few strokes, for as long as Plotly is not there.
//
// Plotly takes hundreds of milliseconds from its bytes to its first picture.  A draft takes a few and lies where
// Plotly's picture will lie: same box, same axes, same colours.  It knows lines, areas, points, words, bars and maps;
// there is nothing to hover.

import { axesOf, placing } from "./draft_axes.js";
import { drawTitles, label, TICK } from "./draft_words.js";
import { element } from "./elements.js";
import { coloursOf } from "./moving.js";
import { lookup, replaceRefs } from "./refs.js";

const MARGIN = { l: 56, r: 16, t: 14, b: 44 }; // pixels, of a layout that does not say
const SHAPES = {
  circle: (pen, r) => pen.arc(0, 0, r, 0, 2 * Math.PI),
  square: (pen, r) => pen.rect(-r, -r, 2 * r, 2 * r),
  diamond: (pen, r) => polygon(pen, [[0, -1.3 * r], [1.3 * r, 0], [0, 1.3 * r], [-1.3 * r, 0]]),
  x: (pen, r) => {
    pen.rotate(Math.PI / 4);
    pen.rect(-1.2 * r, -0.4 * r, 2.4 * r, 0.8 * r);
    pen.rect(-0.4 * r, -1.2 * r, 0.8 * r, 2.4 * r);
  },
}; // paths of points, by Plotly's names
const DASHES = { dash: [9, 9], dot: [3, 3], dashdot: [9, 3, 3, 3], longdash: [15, 15], longdashdot: [15, 6, 3, 6] };

/** The layer in front of an empty plot that a draft is drawn on. */
export class Draft {
  /** @param node where the chart will be */
  constructor(node) {
    this.canvas = element("canvas", { className: "nv-draft", "aria-hidden": "true" });
    Object.assign(this.canvas.style, { position: "absolute", inset: 0, pointerEvents: "none" });
    this.node = node;
    node.before(this.canvas);
  }

  /**
   * Draw what stands at frame k.
   * @param at {recording, k, cursors}
   * @param theme the layout of Plotly's template
   * @param hidden variants that are not shown
   */
  draw(figure, { recording, k, cursors }, theme, hidden) {
    const value = (ref) => lookup(ref, recording, k, cursors);
    const layout = replaceRefs(figure.layout, value);
    const data = figure.data.filter(({ meta }) => !hidden.has(meta?.variant)).map((one) => replaceRefs(one, value));
    const { clientWidth: width, clientHeight: height } = this.node;
    const margin = { ...MARGIN, ...layout.margin };
    this.axes = axesOf(layout, data, { width, height, margin });
    const pen = penOf(this.canvas, width, height);
    const frame = { pen, theme, layout, axes: this.axes, width, height, margin };
    for (const id of Object.keys(this.axes)) if (id.startsWith("x")) drawPlot(frame, id, data);
    drawTitles(frame);
  }

  destroy() {
    this.canvas.remove();
  }
}

function penOf(canvas, width, height) {
  const scale = window.devicePixelRatio;
  canvas.width = width * scale;
  canvas.height = height * scale;
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.lineJoin = "round";
  return pen;
}

// --- one pair of axes -------------------------------------------------------------------------------

function drawPlot(frame, xid, data) {
  const { pen, axes, layout } = frame;
  const yid = axes[xid].told.anchor ?? xid.replace("x", "y");
  const [x, y] = [axes[xid], axes[yid]];
  if (!y) return;
  const place = { x: placing(x), y: placing(y) };
  drawGrid(frame, x, y, place);
  pen.save();
  pen.beginPath();
  pen.rect(x.start, y.start, x.length, y.length);
  pen.clip();
  for (const shape of layout.shapes ?? []) drawShape(pen, shape, [xid, yid], [x, y], place);
  let before = null;
  for (const trace of data) {
    if ((trace.xaxis ?? "x") !== xid || (trace.yaxis ?? "y") !== yid) continue;
    pen.globalAlpha = trace.opacity ?? 1;
    if (trace.type === "heatmap") drawMap(pen, trace, place);
    else if (trace.type === "bar") drawBars(pen, trace, place);
    else before = drawLine(frame, trace, place, before);
  }
  pen.restore();
}

function drawGrid({ pen, theme }, x, y, place) {
  const [left, right, top, bottom] = [x.start, x.start + x.length, y.start, y.start + y.length];
  const rule = (colour, from, to) => stroke(pen, [[from, to]], { color: colour, width: 1 });
  pen.font = `${theme.xaxis.tickfont.size}px ${theme.font.family}`;
  const name = (text, at, where, align, baseline) => {
    pen.fillStyle = theme.xaxis.tickfont.color;
    [pen.textAlign, pen.textBaseline] = [align, baseline];
    label(pen, text, at, where);
  };
  for (const { at, text } of x.ticks) {
    const px = place.x(at);
    rule(theme.xaxis.gridcolor, [px, top], [px, bottom]);
    rule(theme.xaxis.tickcolor, [px, bottom], [px, bottom + TICK]);
    if (x.told.showticklabels !== false) name(text, px, bottom + TICK + 4, "center", "top");
  }
  for (const { at, text } of y.ticks) {
    const py = place.y(at);
    rule(theme.yaxis.gridcolor, [left, py], [right, py]);
    rule(theme.yaxis.tickcolor, [left - TICK, py], [left, py]);
    if (y.told.showticklabels !== false) name(text, left - TICK - 3, py, "right", "middle");
  }
  rule(theme.xaxis.linecolor, [left, bottom], [right, bottom]);
  rule(theme.yaxis.linecolor, [left, top], [left, bottom]);
}

/** Bands and lines that belong to no trace. */
function drawShape(pen, shape, ids, axes, place) {
  const along = (letter, i) => {
    const ref = shape[`${letter}ref`] ?? letter;
    const [name, domain] = ref.split(" ");
    if (name !== ids[i]) return null;
    const { start, length } = axes[i];
    const to = domain ? (v) => start + (letter === "x" ? v : 1 - v) * length : place[letter];
    return [to(shape[`${letter}0`]), to(shape[`${letter}1`])];
  };
  const [xs, ys] = [along("x", 0), along("y", 1)];
  if (!xs || !ys || [...xs, ...ys].some((at) => !Number.isFinite(at))) return;
  pen.globalAlpha = shape.opacity ?? 1;
  if (shape.type === "rect") {
    pen.fillStyle = shape.fillcolor ?? "transparent";
    pen.fillRect(xs[0], ys[0], xs[1] - xs[0], ys[1] - ys[0]);
  } else if (shape.type === "line") stroke(pen, [[[xs[0], ys[0]], [xs[1], ys[1]]]], shape.line ?? {});
  pen.globalAlpha = 1;
}

// --- traces -----------------------------------------------------------------------------------------

/** A line, its area down to the line before, its points; returns its runs of pixels. */
function drawLine(frame, trace, place, before) {
  const { pen } = frame;
  const mode = trace.mode ?? "lines";
  const n = Math.min(trace.x?.length ?? 0, trace.y?.length ?? 0);
  const points = Array.from({ length: n }, (_, k) => [place.x(trace.x[k]), place.y(trace.y[k])]);
  const runs = [[]];
  for (const point of points) {
    if (point.every(Number.isFinite)) runs.at(-1).push(point);
    else if (runs.at(-1).length) runs.push([]);
  }
  const drawn = trace.line?.shape === "hvh" ? runs.map(stepped) : runs;
  if (trace.fill === "tonexty" && before) {
    pen.fillStyle = trace.fillcolor;
    drawn.forEach((run, k) => fillArea(pen, [...run, ...[...(before[k] ?? [])].reverse()]));
  }
  if (mode.includes("lines")) stroke(pen, drawn, trace.line ?? {});
  if (mode.includes("markers")) drawPoints(pen, runs.flat(), trace.marker ?? {});
  if (mode.includes("text")) drawTexts(frame, points, trace);
  return drawn;
}

function stepped(run) {
  return run.flatMap(([x, y], k) => {
    const middle = k ? (run[k - 1][0] + x) / 2 : x;
    return k ? [[middle, run[k - 1][1]], [middle, y], [x, y]] : [[x, y]];
  });
}

function stroke(pen, runs, { color = "#808080", width = 2, dash = "solid" }) {
  if (!width) return;
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.setLineDash(DASHES[dash] ?? lengthsOf(dash));
  pen.beginPath();
  for (const run of runs) run.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

/** Plotly's other way to write a dash: "9px,3px". */
const lengthsOf = (dash) => dash.split(",").map(parseFloat).filter(Number.isFinite);

function fillArea(pen, outline) {
  pen.beginPath();
  polygon(pen, outline);
  pen.fill();
}

function polygon(pen, corners) {
  corners.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

function drawPoints(pen, points, { color, size = 6, symbol = "circle", maxdisplayed = 0 }) {
  if (typeof color !== "string") return; // coloured one by one: left to Plotly
  const [shape, open] = typeof symbol === "string" ? symbol.split("-") : [];
  pen.fillStyle = pen.strokeStyle = color;
  pen.lineWidth = 1.5;
  pen.setLineDash([]);
  const every = maxdisplayed ? Math.max(1, Math.ceil(points.length / maxdisplayed)) : 1;
  for (const point of points.filter((_, k) => k % every === 0)) {
    pen.save();
    pen.translate(...point);
    pen.beginPath();
    (SHAPES[shape] ?? SHAPES.circle)(pen, size / 2);
    if (open === "open") pen.stroke();
    else pen.fill();
    pen.restore();
  }
}

/** Words at points; several for as many points, or one for all. */
function drawTexts({ pen, theme }, points, { text, texttemplate, textfont = {}, textposition = "middle center" }) {
  if (texttemplate) return; // to be filled in: left to Plotly
  pen.font = `${textfont.size ?? theme.font.size}px ${theme.font.family}`;
  pen.fillStyle = typeof textfont.color === "string" ? textfont.color : theme.font.color;
  const [upright, across] = textposition.split(" ");
  pen.textAlign = { left: "right", right: "left" }[across] ?? "center";
  pen.textBaseline = { top: "bottom", bottom: "top" }[upright] ?? "middle";
  points.forEach((point, k) => {
    const words = String((typeof text === "string" ? text : text?.[k]) ?? "");
    if (point.every(Number.isFinite)) label(pen, words, ...point);
  });
}

function drawBars(pen, { x, y, marker, orientation, width = 0.8 }, place) {
  if (typeof marker?.color !== "string" || orientation === "h") return; // left to Plotly
  pen.fillStyle = marker.color;
  const half = (at) => (place.x(at + width / 2) - place.x(at - width / 2)) / 2;
  Array.from(x, (at, k) => {
    const [foot, head] = [place.y(0), place.y(y[k])];
    if (Number.isFinite(head) && Number.isFinite(foot)) pen.fillRect(place.x(at) - half(at), head, 2 * half(at), foot - head);
  });
}

/** An even map as one small picture, a pixel a cell, stretched. */
function drawMap(pen, trace, place) {
  const { z, transpose, zmin = 0, zmax = 1 } = trace;
  if (!z?.length || !z[0]?.length || !Array.isArray(trace.colorscale)) return; // a named scale is left to Plotly
  const [wide, high] = transpose ? [z.length, z[0].length] : [z[0].length, z.length];
  const x = trace.x ?? Array.from({ length: wide }, (_, i) => i);
  const y = trace.y ?? Array.from({ length: high }, (_, j) => j);
  const [across, upward] = [span(x, place.x), span(y, place.y)];
  if (!across || !upward) return;
  const colours = coloursOf(trace);
  const pixels = new Uint32Array(wide * high);
  for (let j = 0; j < high; j += 1) {
    for (let i = 0; i < wide; i += 1) {
      const value = Math.round((255 * ((transpose ? z[i][j] : z[j][i]) - zmin)) / (zmax - zmin));
      const [column, row] = [across.flipped ? wide - 1 - i : i, upward.flipped ? high - 1 - j : j];
      if (!Number.isNaN(value)) pixels[row * wide + column] = colours[Math.max(0, Math.min(255, value))];
    }
  }
  const small = Object.assign(document.createElement("canvas"), { width: wide, height: high });
  small.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), wide, high), 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, across.start, upward.start, across.size, upward.size);
}

/** Pixels that evenly spaced cells cover along an axis. */
function span(places, toPixel) {
  const n = places.length;
  const half = n > 1 ? (places[n - 1] - places[0]) / (n - 1) / 2 : 0.5;
  const ends = [toPixel(places[0] - half), toPixel(places[n - 1] + half)];
  if (!ends.every(Number.isFinite)) return null;
  return { start: Math.min(...ends), size: Math.abs(ends[1] - ends[0]), flipped: ends[1] < ends[0] };
}
