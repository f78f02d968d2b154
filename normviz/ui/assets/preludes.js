// The prelude: a recorded run of the page's default, shown for as long as the live one has nothing to show.
//
// It holds the frames of that very run, made on another day (normviz/ui/preludes.py); only large arrays may be
// missing from some of them.  So the live run takes over at the frame that is reached, in the same charts on the
// same axes.

import { readRecording } from "./frames.js";

const WHOLE_RUN = 9; // seconds, as in playback
const HELD = 2000; // ms for which a live run may catch up before it takes over where it is

export class Prelude {
  /**
   * @param {URL} address of the recording
   * @param {number} speed 0: nothing moves
   * @param there called once it has come
   */
  constructor(address, speed, there) {
    this.speed = speed;
    this.recording = null;
    this.over = false;
    this.position = 0;
    this.#load(address, there);
  }

  /** Recorded frames are what is to be seen now. */
  get shown() {
    return this.recording !== null && !this.over;
  }

  get frame() {
    return Math.floor(this.position);
  }

  /**
   * Let `seconds` pass; over once the live run has taken over.
   * @param last the last frame that may be shown
   */
  advance(seconds, run, last, now) {
    if (run.frames > 0 || run.finished) {
      this.met ??= now;
      this.over = !this.shown || run.finished || run.frames > this.frame || now > this.met + HELD;
    } else if (this.shown) {
      const { length } = this.recording;
      const further = this.position + (this.speed * seconds * length) / WHOLE_RUN;
      this.position = Math.min(further, length - 1, Math.max(0, last));
    }
  }

  close() {
    this.over = true;
  }

  async #load(address, there) {
    try {
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(`no recording at ${address}`);
      this.recording = readRecording(new Uint8Array(await answer.arrayBuffer())).recording;
    } catch {
      this.over = true; // then there is none: the live run comes by itself
    }
    there();
  }
}
