/** What was moved in the tensor, as text in a link: "21=1.5,85=-2", numbers and their values. */

/** The pairs [number, value] of a text that the server has checked. */
export const pairs = (text) => (text ? text.split(",").map((pair) => pair.split("=").map(Number)) : []);

/**
 * The text of all values that are not what they were, of at most `most` of them.
 * @returns {{text: string, left: number}} `left` is how many found no place
 */
export function written(values, before, most) {
  const moved = [...values.keys()].filter((i) => Math.abs(values[i] - before[i]) > 1e-9);
  const text = moved.slice(0, most).map((i) => `${i}=${Number(values[i].toFixed(1))}`).join(",");
  return { text, left: Math.max(0, moved.length - most) };
}
