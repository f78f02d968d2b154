// Elements of the stage, made without a framework.

/** An element with properties (attributes for names with a dash) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else if (name === "dataset") Object.assign(made.dataset, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Set a text only if it differs, so that screen readers and the layout are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Drawn on a grid of 16 × 16. */
const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
  back: "M11.5 3v10L5.5 8zM4 3h1.5v10H4z",
  forward: "M4.5 3v10l6-5zM10.5 3H12v10h-1.5z",
  live: "M3 3v10l5.5-5zM8 3v10l5.5-5z",
  restart: "M8 3a5 5 0 1 1-4.9 6h1.6A3.5 3.5 0 1 0 8 4.5V7L4 3.7 8 .5z",
  branch: "M7.2 2h1.6v5l4 4V8.5H14V14H8.5v-1.2h2.6L7.2 8.9zM2 14v-1.6l3.6-3.6 1.1 1.1L3.1 14z",
  stop: "M3.5 3.5h9v9h-9z",
  pin: "M5 1.5h6v1.4l-1 .8v3.8l2 1.8v1.5H8.8V15L8 16l-.8-1v-4.2H4V9.3l2-1.8V3.7l-1-.8z",
  axes: "M2 1l2.5 3H2.8v9.2H12v-1.7l3 2.5-3 2.5v-1.7H1.2V4H-.5zM5 10.5l2.6-3.6 2 1.8L13 4.6l1 .9-4.3 5.3-2-1.8-1.6 2.2z",
  keys: "M1 3h14v10H1zm1.4 1.4v7.2h11.2V4.4zM4 5.8h1.6v1.5H4zm3.2 0h1.6v1.5H7.2zm3.2 0H12v1.5h-1.6zM4.6 9h6.8v1.5H4.6z",
};

/** A button with an icon, a text, or both. */
export function button({ icon = "", text = "", label = text, onclick }) {
  const made = element("button", { type: "button", className: "nv-button", title: label, "aria-label": label, onclick });
  if (icon) {
    made.dataset.icon = icon;
    made.append(drawing(ICONS[icon]));
  }
  if (text) made.append(element("span", {}, text));
  return made;
}

/** Change the icon and the name of a button. */
export function dress(made, icon, label) {
  if (made.dataset.icon === icon) return;
  made.dataset.icon = icon;
  made.querySelector("path").setAttribute("d", ICONS[icon]);
  made.title = label;
  made.setAttribute("aria-label", label);
}

function drawing(path) {
  const svg = vector("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
  svg.append(vector("path", { d: path, fill: "currentColor" }));
  return svg;
}

/** An SVG element. */
export function vector(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
