// A chart as a picture: what is on screen, with its title, its moment and a legend, on the ground of the theme.

import { LOOK } from "./look.js";
import { readTheme } from "./theme.js";
import { locale } from "./words.js";

// In pixels: of a picture for one on screen, height of a line of the legend, what is above the chart beside the
// lines of the title, width of a letter of the title, sizes of title and moment, their distance from the edges.
const { scale: SCALE, line: LINE, head: HEAD, letter: LETTER, title: TITLE, moment: MOMENT, left: LEFT, top: TOP, margin: MARGIN } = LOOK.picture;

/**
 * The picture as the address of its data.
 * @param {"png"|"svg"} format
 * @param told {title, moment}: what stands above it
 */
export function picture(Plotly, node, template, format, told) {
  const size = { width: node.clientWidth, height: node.clientHeight };
  const theme = readTheme(node);
  const made = framed({ data: node.data, layout: node.layout }, size, { ...told, template, ground: theme.background });
  const { width, height } = made.layout;
  return Plotly.toImage({ ...made, config: locale() }, { format, width, height, scale: format === "svg" ? 1 : SCALE });
}

/** A drawn figure {data, layout} with everything around it that the page says elsewhere. */
export function framed({ data, layout }, { width, height }, { title, moment, template, ground }) {
  const entries = legendOf(data);
  const lines = Math.ceil(entries.reduce((sum, i) => sum + 60 + 7 * data[i].name.length, 0) / (width - 20));
  const words = wrapped(title, Math.floor((width - 20) / LETTER));
  const head = HEAD + LINE * words.length;
  const above = head + LINE * lines;
  const name = `<b>${words.join("<br>")}</b>`;
  const whole = height + above;
  return {
    data: data.map((trace, i) => ({ ...trace, showlegend: entries.includes(i) })),
    layout: {
      ...layout, template, width, height: whole, autosize: false, paper_bgcolor: ground,
      margin: { ...layout.margin, t: (layout.margin?.t ?? MARGIN) + above },
      title: {
        text: moment ? `${name}<br><span style="font-size:${MOMENT}px">${moment}</span>` : name,
        x: LEFT / width, xanchor: "left", y: 1 - TOP / whole, yanchor: "top", yref: "container",
        automargin: false, font: { size: TITLE },
      },
      showlegend: entries.length > 0,
      legend: {
        orientation: "h", xref: "container", yref: "container", x: LEFT / width, xanchor: "left",
        y: 1 - head / whole, yanchor: "top", bgcolor: "rgba(0,0,0,0)", borderwidth: 0, traceorder: "normal",
      },
    },
  };
}

/** The traces that stand for what a legend names: the most visible line, marker or bar of each name. */
function legendOf(data) {
  const found = new Map();
  data.forEach((trace, i) => {
    const { type, name, visible, meta, mode, line, opacity, fill } = trace;
    const bare = mode === "text" || (mode === "lines" && (line?.width === 0 || fill));
    if (!name || visible === false || meta?.ghost === true || !["scatter", "bar"].includes(type) || bare) return;
    if (!(trace.x?.length || trace.y?.length)) return;
    const weight = (opacity ?? 1) * (line?.width ?? 2);
    if (!found.has(name) || weight > found.get(name).weight) found.set(name, { i, weight });
  });
  return [...found.values()].map(({ i }) => i);
}

/** A title in lines of at most so many letters. */
function wrapped(title, most) {
  const lines = [""];
  for (const word of title.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length > most && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
