// While a recording plays: new coordinates go straight into the paths, points and pictures that Plotly made.
//
// Plotly spends most of a redraw on what does not change (defaults, axes, labels).  On a busy machine
// (not in one paired run), three charts of 42 traces took 276 ms a picture, and 5 ms so.  Only what
// keeps its shape on fixed axes is moved; everything else, every pause and every chart under the pointer is
// drawn by Plotly itself (charts.js), so that what can be read off, zoomed or exported is always its work.

const FAR = 1e5; // pixels; what lies farther outside is drawn there

/** Whether a trace can ever be moved: what it is, and which of its attributes are bound. */
export function isMovable(trace, paths) {
  const only = (...names) => paths.every((path) => names.includes(path.join(".")));
  if (trace.type === "heatmap") return only("x", "y", "z") && trace.zsmooth === false;
  const straight = ["linear", "hvh", undefined].includes(trace.line?.shape);
  const plain = !(trace.mode ?? "lines").includes("text") && !trace.error_x && !trace.error_y?.arrayminus;
  return trace.type === "scatter" && only("x", "y", "error_y.array") && plain && straight;
}

/**
 * Give a trace new coordinates.
 * @param node Plotly's node
 * @param i the trace
 * @param values {x, y, z, "error_y.array"}: all that there are, the unchanged ones too
 * @returns whether that was possible
 */
export function move(node, i, values) {
  const full = node._fullData?.[i];
  if (!full) return false;
  if (node.data[i].visible === false) return true; // nothing of it is on screen
  // Plotly hides what has no data yet, and must be the one to show it.
  if (full.visible !== true) return !(values.y ?? values.z)?.length;
  const axes = [axis(node, full.xaxis), axis(node, full.yaxis)];
  if (axes.some(({ type, autorange }) => autorange || !["linear", "log"].includes(type))) return false;
  return full.type === "heatmap" ? moveMap(node, full, axes, values) : moveLine(node, full, axes, values);
}

const axis = (node, id) => node._fullLayout[`${id[0]}axis${id.slice(1)}`];

/** A function from data to pixels along an axis; what cannot be placed is NaN. */
function placing({ type, _m, _b }) {
  const place = type === "log" ? (v) => _m * Math.log10(v) + _b : (v) => _m * v + _b;
  return (v) => {
    const at = place(v);
    return Number.isFinite(at) ? Math.max(-FAR, Math.min(FAR, at)) : NaN;
  };
}

// --- lines and points -----------------------------------------------------------------------------

function moveLine(node, full, [xaxis, yaxis], { x, y, "error_y.array": errors }) {
  const group = node.querySelector(`.scatterlayer .trace${full.uid}`);
  if (!group) return false;
  const [toX, toY] = [placing(xaxis), placing(yaxis)];
  if (errors && !moveErrors(group, x, y, errors, [toX, toY], full.error_y.width)) return false;
  const points = [];
  for (let k = 0; k < Math.min(x.length, y.length); k += 1) points.push([toX(x[k]), toY(y[k])]);
  const runs = unbroken(points);
  const some = full.mode.includes("markers") && full.marker.maxdisplayed;
  if (full.mode.includes("markers") && !movePoints(group, some ? spread(group, runs.flat()) : runs.flat())) return false;
  if (!full.mode.includes("lines")) return true;
  const drawn = full.line.shape === "hvh" ? runs.map(stepped) : runs;
  group.normvizRuns = drawn; // for the trace that fills down to this one
  const lines = group.querySelectorAll("path.js-line");
  if (!lines.length) return runs.length === 0;
  lines.forEach((line, k) => line.setAttribute("d", k ? "" : drawn.map((run) => `M${run.map(pair).join("L")}`).join("")));
  return full.fill === "none" || !full.fill || fillDown(node, full, group);
}

/** The area between this line and the one before it in the same panel. */
function fillDown(node, full, group) {
  const before = full._prevtrace ?? node._fullData[full.index - 1];
  const below = before && node.querySelector(`.scatterlayer .trace${before.uid}`)?.normvizRuns;
  const area = node.querySelector(`.scatterlayer .trace${before?.uid} .js-fill`) ?? group.querySelector(".js-fill");
  if (full.fill !== "tonexty" || !below || !area) return false;
  const outline = group.normvizRuns.map((run, k) => {
    const back = [...(below[k] ?? [])].reverse();
    return `M${[...run, ...back].map(pair).join("L")}Z`;
  });
  area.setAttribute("d", outline.join(""));
  return true;
}

/** Of a line with a few markers as many points as it has of them, evenly; at rest Plotly chooses. */
function spread(group, points) {
  const n = group.querySelectorAll("path.point").length;
  return Array.from({ length: Math.min(n, points.length) }, (_, m) => points[Math.floor(((m + 0.5) * points.length) / n)]);
}

function movePoints(group, points) {
  const marks = group.querySelectorAll("path.point");
  if (marks.length !== points.length) return false;
  marks.forEach((mark, k) => mark.setAttribute("transform", `translate(${pair(points[k])})`));
  return true;
}

/** Bars from y - error to y + error, with feet of `foot` pixels to each side. */
function moveErrors(group, x, y, errors, [toX, toY], foot) {
  const bars = group.querySelectorAll("path.yerror");
  const ends = Array.from(errors, (error, k) => [toX(x[k]), toY(y[k] + error), toY(y[k] - error)]);
  if (bars.length !== ends.length || ends.flat().some(Number.isNaN)) return false;
  const feet = `h${2 * foot}m${-foot},0`;
  bars.forEach((bar, k) => {
    const [at, high, low] = ends[k];
    bar.setAttribute("d", `M${pair([at - foot, high])}${feet}V${low.toFixed(2)}m${-foot},0h${2 * foot}`);
  });
  return true;
}

const pair = ([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`;

/** Pieces of a line between the points that cannot be placed. */
function unbroken(points) {
  const runs = [];
  let open = false;
  for (const point of points) {
    const good = !Number.isNaN(point[0]) && !Number.isNaN(point[1]);
    if (good && open) runs.at(-1).push(point);
    else if (good) runs.push([point]);
    open = good;
  }
  return runs;
}

/** Steps that change half-way between the points. */
function stepped(run) {
  return run.flatMap(([x, y], k) => {
    if (k === 0) return [[x, y]];
    const middle = (run[k - 1][0] + x) / 2;
    return [[middle, run[k - 1][1]], [middle, y], [x, y]];
  });
}

// --- maps -----------------------------------------------------------------------------------------

const canvas = document.createElement("canvas");
const scales = new WeakMap();

/** Plotly draws an even grid as one small picture, a pixel a cell, stretched without smoothing; so does this. */
function moveMap(node, full, [xaxis, yaxis], { x, y, z }) {
  const images = node.querySelectorAll(`.subplot.${full.xaxis}${full.yaxis} .heatmaplayer image`);
  if (images.length !== 1 || images[0].style.imageRendering !== "pixelated") return false;
  const [wide, high] = [x?.length, y?.length];
  const across = extent(xaxis, x);
  const upward = extent(yaxis, y);
  if (!across || !upward) return false;
  const value = full.transpose ? (i, j) => z[i][j] : (i, j) => z[j][i];
  const pixels = new Uint32Array(wide * high);
  const colours = coloursOf(full);
  const slope = 255 / (full.zmax - full.zmin);
  for (let j = 0; j < high; j += 1) {
    const row = (upward.flipped ? high - 1 - j : j) * wide;
    for (let i = 0; i < wide; i += 1) {
      const share = Math.round((value(i, j) - full.zmin) * slope);
      if (Number.isNaN(share)) continue; // left transparent
      pixels[row + (across.flipped ? wide - 1 - i : i)] = colours[Math.max(0, Math.min(255, share))];
    }
  }
  canvas.width = wide;
  canvas.height = high;
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), wide, high), 0, 0);
  const { start: left, size: width } = across;
  const { start: top, size: height } = upward;
  const placed = { x: left, y: top, width, height, href: canvas.toDataURL() };
  for (const [name, one] of Object.entries(placed)) images[0].setAttribute(name, one);
  return true;
}

/** Pixels that evenly spaced cells cover along an axis, and whether they run leftwards or upwards. */
function extent(axis, places) {
  const n = places?.length ?? 0;
  if (n < 2 || axis.type !== "linear") return null;
  const step = (places[n - 1] - places[0]) / (n - 1);
  for (let k = 1; k < n; k += 1) {
    if (Math.abs(places[k] - places[k - 1] - step) > 1e-3 * Math.abs(step)) return null;
  }
  const toPixel = placing(axis);
  const ends = [toPixel(places[0] - step / 2), toPixel(places[n - 1] + step / 2)];
  return { start: Math.min(...ends), size: Math.abs(ends[1] - ends[0]), flipped: ends[1] < ends[0] };
}

/** 256 colours of a trace's scale as 32-bit pixels. */
export function coloursOf(full) {
  if (scales.has(full.colorscale)) return scales.get(full.colorscale);
  const stops = full.colorscale.map(([at, colour]) => [at, rgba(colour)]);
  const bytes = new Uint8ClampedArray(4 * 256);
  for (let k = 0; k < 256; k += 1) {
    const at = k / 255;
    const next = Math.max(1, stops.findIndex(([stop]) => stop >= at));
    const [[from, low], [to, high]] = [stops[next - 1], stops[next]];
    const share = to > from ? (at - from) / (to - from) : 1;
    bytes.set(low.map((one, c) => one + share * (high[c] - one)), 4 * k);
  }
  const colours = new Uint32Array(bytes.buffer);
  scales.set(full.colorscale, colours);
  return colours;
}

/** "#rrggbb", "rgb(…)" or "rgba(…)" as four bytes. */
function rgba(colour) {
  if (colour.startsWith("#")) return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)).concat(255);
  const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
  return [red, green, blue, 255 * alpha];
}
