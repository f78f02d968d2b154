// Frames of a run, as they travel: the counterpart of normviz/frames.py.
//
//   frame  = step i32, length of mask u16, length of notes u16, mask, notes (JSON, UTF-8), arrays
//   mask   = bit i is set if array i of the schema is present
//   arrays = the present arrays in the schema's order, C order, no padding, little endian
//
//   file   = "NORMVIZ1", then u32 length + JSON {schema, about}, then u32 length + frame …
//
// A frame carries only what is new, so what an array is at frame k is its latest value at or before k.

const TYPES = {
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  i4: Int32Array,
  f4: Float32Array,
  f8: Float64Array,
};
const HEAD = 8; // bytes
const MAGIC = "NORMVIZ1"; // begins a file
const utf8 = new TextDecoder();

/** JSON as Python writes it: NaN and infinities are bare words there, and null here. */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    const strings = /("(?:[^"\\]|\\.)*")|-?Infinity|NaN/g;
    return JSON.parse(text.replace(strings, (_, string) => string ?? "null"));
  }
}

/** What the frames of a run hold. */
export class Schema {
  /** @param told the decoded JSON of Schema.to_json */
  constructor(told) {
    this.labels = told.labels ?? {};
    this.facts = told.facts ?? {};
    this.arrays = told.arrays.map((array) => {
      const Type = TYPES[array.dtype];
      if (!Type) throw new Error(`array ${array.name}: unknown dtype ${array.dtype}`);
      const size = array.shape.reduce((product, n) => product * n, 1);
      return { ...array, Type, size, nbytes: size * Type.BYTES_PER_ELEMENT };
    });
    this.places = new Map(this.arrays.map((array, i) => [array.name, i]));
  }

  /** Position of an array in the schema. */
  place(name) {
    const i = this.places.get(name);
    if (i === undefined) {
      throw new Error(`no array "${name}"; there are ${[...this.places.keys()].join(", ")}`);
    }
    return i;
  }

  /** Length along a named axis, or 0 if no array has it. */
  extent(axis) {
    for (const { axes, shape } of this.arrays) {
      const i = axes.indexOf(axis);
      if (i >= 0) return shape[i];
    }
    return this.labels[axis]?.length ?? 0;
  }
}

/** One decoded frame; its arrays are cut out of the bytes when they are asked for. */
export class Frame {
  /** @param {Uint8Array} bytes */
  constructor(schema, bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.byteLength < HEAD) throw new Error("not a frame: too short");
    this.schema = schema;
    this.bytes = bytes;
    this.step = view.getInt32(0, true);
    const maskLength = view.getUint16(4, true);
    const notesLength = view.getUint16(6, true);
    const notesAt = HEAD + maskLength;
    this.notes = notesLength ? parseJson(utf8.decode(bytes.subarray(notesAt, notesAt + notesLength))) : [];
    this.offsets = new Int32Array(schema.arrays.length).fill(-1);
    let at = notesAt + notesLength;
    schema.arrays.forEach((array, i) => {
      if (!((bytes[HEAD + (i >> 3)] >> (i & 7)) & 1)) return;
      this.offsets[i] = at;
      at += array.nbytes;
    });
    if (at !== bytes.byteLength) throw new Error("not a frame of this schema: wrong length");
  }

  has(i) {
    return this.offsets[i] >= 0;
  }

  /** Array i of the schema, flat. */
  array(i) {
    const { Type, size, nbytes } = this.schema.arrays[i];
    const start = this.bytes.byteOffset + this.offsets[i];
    const { buffer } = this.bytes;
    return start % Type.BYTES_PER_ELEMENT === 0
      ? new Type(buffer, start, size)
      : new Type(buffer.slice(start, start + nbytes)); // typed views need aligned bytes
  }
}

/** The frames received so far.  Frames may arrive out of order: the newest first, a gap later. */
export class Recording {
  constructor(schema) {
    this.schema = schema;
    this.frames = [];
    this.held = schema.arrays.map(() => []); // per array: the frames that hold it, ascending
    this.noted = []; // the frames that hold notes, ascending
    this.complete = 0; // frames without a gap, from the first
    this.revision = 0; // rises when a gap is filled: whatever was derived from the past is stale
    this.series = new Map();
  }

  /** Index of the newest frame plus one. */
  get length() {
    return this.frames.length;
  }

  /** Store frame k; one that is here already is ignored. */
  put(k, bytes) {
    if (this.frames[k]) return;
    const frame = new Frame(this.schema, bytes);
    if (k < this.frames.length) {
      this.revision += 1;
      this.series.clear();
    }
    this.frames[k] = frame;
    this.held.forEach((held, i) => frame.has(i) && insert(held, k));
    if (frame.notes.length) insert(this.noted, k);
    while (this.frames[this.complete]) this.complete += 1;
  }

  /** The newest frame at or before k that is here, or undefined. */
  before(k) {
    for (let i = Math.min(k, this.frames.length - 1); i >= 0; i -= 1) {
      if (this.frames[i]) return this.frames[i];
    }
    return undefined;
  }

  /** How many of the frames up to k hold array i. */
  count(i, k) {
    return countUpTo(this.held[i], k);
  }

  /** Array i as it stands at frame k, flat, or null if it is not there yet. */
  at(i, k) {
    const n = this.count(i, k);
    return n ? this.frames[this.held[i][n - 1]].array(i) : null;
  }

  /** Training steps of all frames up to k that hold array i. */
  steps(i, k) {
    return this.#grown(`steps ${i}`, i, k, (frame) => frame.step);
  }

  /** One element of array i, at flat position `at`, in all frames up to k that hold it. */
  values(i, at, k) {
    return this.#grown(`value ${i} ${at}`, i, k, (frame) => frame.array(i)[at]);
  }

  /**
   * What `read(flat array)` gives for array i in all frames up to k that hold it, each time a list.
   * @param name tells one reading from the others
   */
  rows(i, name, read, k) {
    const held = this.held[i];
    const key = `rows ${i} ${name}`;
    let rows = this.series.get(key);
    if (!rows) this.series.set(key, (rows = []));
    // Copied, so that a row does not keep the whole frame's array alive.
    while (rows.length < held.length) rows.push(read(this.frames[held[rows.length]].array(i)).slice());
    return rows.slice(0, this.count(i, k));
  }

  /** Where frame k stands on an axis of frames: at its step, or at what the schema counts instead. */
  position(k) {
    const step = this.before(k)?.step ?? 0;
    return this.schema.facts.cursor?.values[step] ?? step;
  }

  /** The latest frame at or before a position. */
  frameAt(position) {
    let found = 0;
    this.frames.forEach((frame, k) => {
      if (this.position(k) <= position) found = k;
    });
    return found;
  }

  /** A column over time that grows with the recording instead of being gathered anew for each drawing. */
  #grown(key, i, k, read) {
    const held = this.held[i];
    let column = this.series.get(key);
    if (!column) this.series.set(key, (column = { values: new Float64Array(64), n: 0 }));
    if (column.values.length < held.length) {
      const larger = new Float64Array(Math.max(held.length, 2 * column.values.length));
      larger.set(column.values);
      column.values = larger;
    }
    for (; column.n < held.length; column.n += 1) {
      column.values[column.n] = read(this.frames[held[column.n]]);
    }
    return column.values.subarray(0, this.count(i, k));
  }
}

/**
 * The recording in the bytes of a file that Recording.to_bytes wrote.
 * @param {Uint8Array} bytes
 * @returns {{recording: Recording, about}} what it says of itself beside it
 */
export function readRecording(bytes) {
  if (utf8.decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) throw new Error("not a NormViz recording");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts = [];
  for (let at = MAGIC.length; at < bytes.length; ) {
    const [start, length] = [at + 4, view.getUint32(at, true)];
    if (start + length > bytes.length) throw new Error("the recording ends in the middle of a frame");
    parts.push(bytes.subarray(start, start + length));
    at = start + length;
  }
  const [head, ...frames] = parts;
  const { schema, about } = parseJson(utf8.decode(head));
  const recording = new Recording(new Schema(schema));
  frames.forEach((frame, k) => recording.put(k, frame));
  return { recording, about };
}

/** Elements of an ascending list that are at most k. */
export function countUpTo(list, k) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= k) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(list, k) {
  if (!list.length || list[list.length - 1] < k) list.push(k);
  else list.splice(countUpTo(list, k), 0, k);
}
