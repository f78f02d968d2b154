// Contrast of every piece of text inside `selector` with what lies behind it (WCAG 2.2, 1.4.3).
(selector) => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  /** A colour in any CSS notation as red, green, blue, alpha, 0 to 255. */
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };

  const luminance = (colour) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgba(colour).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  /** The first opaque colour under the middle of an element. */
  const behind = (element) => {
    const box = element.getBoundingClientRect();
    const stack = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const opaque = stack.find((one) => rgba(getComputedStyle(one).backgroundColor)[3] === 255);
    return getComputedStyle(opaque ?? document.body).backgroundColor;
  };

  const visible = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width * height > 1 && element.checkVisibility({ opacityProperty: true });
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());

  return [...document.querySelectorAll(`${selector} *`)].filter((one) => hasText(one) && visible(one)).map((one) => {
    one.scrollIntoView({ block: "center" });
    const { color, fontSize, fontWeight } = getComputedStyle(one);
    const [bright, dim] = [luminance(color), luminance(behind(one))].sort((a, b) => b - a);
    const pixels = parseFloat(fontSize);
    return {
      text: one.textContent.trim(),
      contrast: (bright + 0.05) / (dim + 0.05),
      large: pixels >= 24 || (fontWeight >= 700 && pixels >= 18.66),
    };
  });
}
