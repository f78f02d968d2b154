// Where the Tab key gets to, and whether one sees it there.

window.tabbing = (() => {
  const stops = [];
  let last = null;
  let seen = "";

  /** How an element and what is near it look: the focus may be shown by any of them. */
  const looks = (one) =>
    [null, "::before", "::after"].map((part) => {
      const style = getComputedStyle(one, part);
      const outline = style.outlineStyle === "none" ? "" : `${style.outlineWidth} ${style.outlineColor}`;
      return [outline, style.boxShadow, style.borderColor, style.backgroundColor, style.textDecorationLine].join();
    }).join();
  const around = (one) => {
    const near = [one, ...one.children, ...(one.parentElement?.children ?? [])];
    for (let up = one.parentElement, i = 0; up && i < 4; up = up.parentElement, i += 1) near.push(up);
    return near.map(looks).join("|");
  };

  return {
    /** After a press: where it is now, and the element before if that looked no different with the focus. */
    stop: async () => {
      for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame); // scripts say so a moment later
      const now = document.activeElement;
      const blind = last?.isConnected && last !== now && seen === around(last) ? last.outerHTML.slice(0, 200) : "";
      last = now && now !== document.body ? now : null;
      seen = last ? around(last) : "";
      if (!last) return { blind, at: null };
      const at = stops.indexOf(last);
      if (at < 0) stops.push(last);
      return { blind, at, html: last.outerHTML.slice(0, 200) };
    },

    /** What of ours can be used and was not reached. */
    missed: () =>
      [...document.querySelectorAll(":is(.nv-stage, .nvt-start, .nva-anatomy) *")]
        .filter((one) => one.matches("a[href], button, select, input, summary, [tabindex]"))
        .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility() && !one.closest("[inert]"))
        .filter((one) => !stops.includes(one))
        .map((one) => one.outerHTML.slice(0, 200)),
  };
})();
