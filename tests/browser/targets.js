// What a finger has to hit and is smaller than 44 pixels in one direction (WCAG 2.5.5).
//
// Left out are links within a sentence, cells and tiles (they are the picture), and parts of Streamlit's own that have
// no box to be made larger: marks of help, links to headings, sliders, fields.  All of these have 24 pixels or room
// around them (WCAG 2.5.8), for which axe looks.

() => {
  const OURS = "a[href], button, select, input, summary, [role=switch]";
  const FREE = ".nvt-tile, .nva-cell, p a, li a, .nv-numbers *, .js-plotly-plot *, :is(" + [
    "TooltipIcon", "Slider", "Toolbar", "Selectbox", "NumberInput", "TextInput", "TextArea", "Checkbox", "Code", "DataFrame",
    "HeadingWithActionElements",
  ].map((name) => `[data-testid=st${name}]`).join(", ") + ") *";
  return [...document.querySelectorAll(`[data-testid=stMain] :is(${OURS})`)]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches(FREE) && !one.closest("[inert], .nv-unseen"))
    .filter((one) => {
      const { width, height } = (one.closest("label") ?? one).getBoundingClientRect();
      return width > 1 && (width < 43.5 || height < 43.5);
    })
    .map((one) => {
      const { width, height } = one.getBoundingClientRect();
      return `a finger has ${Math.round(width)} × ${Math.round(height)} pixels: ${one.outerHTML.slice(0, 160)}`;
    });
}
