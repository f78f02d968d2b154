// What a chart looks like, as numbers: for comparing what was moved with what Plotly draws anew.

/** Lines and areas as lists of corners, transforms of points, pixels of maps. */
window.looks = async (node) => {
  const attribute = (selector, name) => [...node.querySelectorAll(selector)].map((one) => one.getAttribute(name));
  const corners = (d) => {
    const runs = [];
    for (const [, command, numbers] of (d ?? "").matchAll(/([MLHV])([^MLHVZ]*)/g)) {
      const given = numbers.split(",").map(Number);
      const [x, y] = runs.at(-1)?.at(-1) ?? [];
      const corner = { H: [given[0], y], V: [x, given[0]] }[command] ?? given;
      if (command === "M") runs.push([corner]);
      else runs.at(-1).push(corner);
    }
    return runs;
  };
  const maps = [];
  for (const image of node.querySelectorAll(".heatmaplayer image")) {
    const bitmap = new Image();
    bitmap.src = image.getAttribute("href");
    await bitmap.decode();
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    maps.push([...canvas.getImageData(0, 0, bitmap.width, bitmap.height).data]);
  }
  return {
    lines: attribute("path.js-line", "d").flatMap(corners),
    areas: attribute("path.js-fill", "d").flatMap(corners),
    errors: attribute("path.yerror", "d").map((d) => d.match(/-?[\d.]+/g).map(Number)),
    places: ["x", "y", "width", "height"].map((name) => attribute(".heatmaplayer image", name).map(Number)),
    points: attribute("path.point", "transform").map((at) => at.match(/-?[\d.]+/g).map(Number)),
    maps,
  };
};

/** Draw frame `from`, move to frame `to`, then have Plotly draw that frame; the stage itself rests meanwhile. */
window.movedAndAnew = async ([key, from, to]) => {
  const still = stage();
  const { scene, run } = still;
  const panel = scene.panels.get(key);
  const { chart: drawn } = panel;
  const draw = (k, moving) => panel.draw(run.recording, k, { cursors: { layer: 0 }, hover: null, moving }, "");
  const picture = async () => {
    const { exact } = drawn;
    return { ...(await looks(chart(key))), exact };
  };
  while (still.drawing) await new Promise(requestAnimationFrame);
  still.drawing = true; // else a chart that comes into sight has the stage draw its own frame in between
  try {
    await draw(from, false);
    await draw(to, true);
    const moved = await picture();
    await draw(to, false);
    return { moved, anew: await picture() };
  } finally {
    still.drawing = false;
  }
};
