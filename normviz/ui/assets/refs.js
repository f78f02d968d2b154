// References into a recording: the counterpart of normviz/figures/bound.py, and tested against it.
//
// A reference is {ref: name, index: [...], when: "now" | "history" | "steps" | "final"}; an index holds
// positions, nulls (all of that axis) and names of cursors ("layer").

/** Whether a value of a figure is a reference. */
export const isRef = (value) => value !== null && typeof value === "object" && typeof value.ref === "string";

/** Every reference inside a trace or a layout, with the path to it. */
export function findRefs(value, path = []) {
  if (isRef(value)) return [{ path, ref: value }];
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => findRefs(one, [...path, Array.isArray(value) ? +key : key]));
}

/** A copy of a figure's value with each reference replaced by `fill(ref)`. */
export function replaceRefs(value, fill) {
  if (isRef(value)) return fill(value);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((one) => replaceRefs(one, fill));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replaceRefs(one, fill)]));
}

/** The array that a reference names at frame k: a number, a typed array, or nested arrays. */
export function lookup(ref, recording, k, cursors) {
  const i = recording.schema.place(ref.ref);
  if (ref.when === "steps") return recording.steps(i, k);
  const { shape } = recording.schema.arrays[i];
  const index = ref.index.map((one) => (typeof one === "string" ? (cursors[one] ?? 0) : one));
  if (ref.when === "history") {
    const at = scalarPosition(shape, index);
    if (at !== null) return recording.values(i, at, k);
    return recording.rows(i, index.join(), (flat) => take(flat, shape, index), k);
  }
  const flat = recording.at(i, ref.when === "final" ? recording.length - 1 : k);
  return flat ? take(flat, shape, index) : [];
}

/** What a reference's value depends on: as long as this stays the same, so does the value. */
export function stamp(ref, recording, k, cursors) {
  const i = recording.schema.place(ref.ref);
  const count = recording.count(i, ref.when === "final" ? recording.length - 1 : k);
  const moving = ref.index.filter((one) => typeof one === "string").map((one) => cursors[one] ?? 0);
  return `${count}/${moving}`;
}

/** The part of a flat C-ordered array that an index selects. */
function take(flat, shape, index, axis = 0, offset = 0) {
  if (axis === shape.length) return flat[offset];
  const stride = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const one = axis < index.length ? index[axis] : null;
  if (one !== null) return take(flat, shape, index, axis + 1, offset + position(one, shape[axis]) * stride);
  const wholeTail = index.slice(axis + 1).every((later) => later === null);
  if (wholeTail && axis === shape.length - 1) return flat.subarray(offset, offset + shape[axis]);
  const rows = Array.from({ length: shape[axis] }, (_, j) => take(flat, shape, index, axis + 1, offset + j * stride));
  return axis === lastOpen(shape, index) ? flat.constructor.from(rows) : rows;
}

/** The last axis that the index leaves open: rows along it are numbers. */
function lastOpen(shape, index) {
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (axis >= index.length || index[axis] === null) return axis;
  }
  return -1;
}

/** Flat position of a single element, or null if the index leaves an axis open. */
function scalarPosition(shape, index) {
  if (lastOpen(shape, index) >= 0) return null;
  return index.reduce((at, one, axis) => at * shape[axis] + position(one, shape[axis]), 0);
}

/** A position along an axis of n; negative ones count from the end, as in numpy. */
function position(one, n) {
  const at = one < 0 ? one + n : one;
  if (at < 0 || at >= n) throw new RangeError(`index ${one} is out of bounds for an axis of ${n}`);
  return at;
}
