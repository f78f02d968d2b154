// Words of a draft: labels of ticks, titles of axes and panels, where Plotly would put them.

export const TICK = 4; // pixels
const LINE = 14; // pixels from one line of a label to the next
const PAD = 3; // pixels between a tick and its label
const RAISED = 0.7; // size of what is raised
const CAPITAL = 0.7; // height of a capital letter, by the size of its font

/** A text in Plotly's markup: lines, and a raised end of each. */
export function label(pen, text, x, y) {
  const lines = text.split("<br>");
  const first = pen.textBaseline === "middle" ? (1 - lines.length) / 2 : 0;
  lines.forEach((line, k) => write(pen, line, x, y + (first + k) * LINE));
}

function write(pen, text, x, y) {
  const [plain, raised] = text.split("<sup>").map(bare);
  if (raised === undefined) {
    pen.fillText(plain, x, y);
    return;
  }
  const [font, align] = [pen.font, pen.textAlign];
  const wide = pen.measureText(plain).width;
  pen.font = font.replace(/[\d.]+px/, (size) => `${RAISED * parseFloat(size)}px`);
  const start = x - { left: 0, center: 0.5, right: 1 }[align] * (wide + pen.measureText(raised).width);
  pen.textAlign = "left";
  pen.fillText(raised, start + wide, y - 4);
  pen.font = font;
  pen.fillText(plain, start, y);
  pen.textAlign = align;
}

/** Pixels that a text takes across. */
function breadth(pen, text) {
  const sizes = text.split("<br>").map((line) => {
    const [plain, raised = ""] = line.split("<sup>").map(bare);
    return pen.measureText(plain).width + RAISED * pen.measureText(raised).width;
  });
  return Math.max(...sizes);
}

/** Titles of axes and panels; notes down where those of the axes stand. */
export function drawTitles({ pen, theme, layout, axes, width, height, margin }) {
  const { font: { color, size }, standoff } = theme.xaxis.title;
  for (const axis of Object.values(axes)) {
    const { letter, told, start, length, ticks } = axis;
    const text = bare(told.title?.text);
    if (!text) continue;
    pen.save();
    pen.textAlign = "center";
    pen.fillStyle = color;
    if (letter === "x") {
      pen.font = `${size}px ${theme.font.family}`;
      pen.textBaseline = "middle";
      pen.translate(start + length / 2, height - margin.b + 31);
    } else {
      pen.font = `${theme.yaxis.tickfont.size}px ${theme.font.family}`;
      const labels = told.showticklabels === false ? [] : ticks.map((tick) => PAD + breadth(pen, tick.text));
      const { start: left } = axes[told.anchor ?? "x"] ?? { start: margin.l };
      axis.titled = left - Math.max(0, ...labels) - standoff - CAPITAL * size;
      pen.font = `${size}px ${theme.font.family}`;
      pen.textBaseline = "alphabetic";
      pen.translate(axis.titled, start + length / 2);
      pen.rotate(-Math.PI / 2);
    }
    pen.fillText(text, 0, 0);
    pen.restore();
  }
  pen.font = `${size}px ${theme.font.family}`;
  pen.fillStyle = color;
  pen.textAlign = "left";
  pen.textBaseline = "bottom";
  for (const { text, x, y, xref, yref } of layout.annotations ?? []) {
    if (xref !== "paper" || yref !== "paper") continue;
    const left = margin.l + x * (width - margin.l - margin.r);
    pen.fillText(bare(text), left, margin.t + (1 - y) * (height - margin.t - margin.b) - 3);
  }
}

const bare = (text) => String(text ?? "").replace(/<[^>]*>/g, "");
