// What stays of a run before behind the charts of the present one: its lines and points, in grey.

const GHOST = "#8a8a8a";

/** Lines and points of the run before, in grey, to lie behind those of this one. */
export function ghostsOf(figure) {
  return figure.data
    .filter(({ type, mode }) => type === "scatter" && !(mode ?? "lines").includes("text"))
    .filter(({ meta }) => meta?.variant && meta.ghost !== false)
    .map((trace) => {
      const lines = (trace.mode ?? "lines").includes("lines");
      const look = lines
        ? { mode: "lines", line: { ...trace.line, color: GHOST, width: 1.25 } }
        : { marker: { ...trace.marker, color: GHOST, line: { ...trace.marker?.line, color: GHOST } } };
      for (const bars of lines ? [] : ["error_x", "error_y"]) {
        if (trace[bars]) look[bars] = { ...trace[bars], color: GHOST };
      }
      return { ...trace, ...look, opacity: 0.5, hoverinfo: "skip", meta: { ...trace.meta, ghost: true } };
    });
}

/** Whether a run leaves anything behind the charts of another that are seen at first. */
export function leavesGhosts(before, run) {
  const old = new Map(before.figures.map((figure) => [figure.key, figure]));
  return run.figures.some(({ key, expert }) => !expert && old.has(key) && ghostsOf(old.get(key)).length > 0);
}
