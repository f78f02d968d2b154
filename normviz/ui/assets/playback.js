// The eye: each visitor's own cursor in a recording that grows at its own pace.
//
// A whole run passes in about nine seconds at normal speed; the cursor never overtakes the newest frame.
// "Live" sticks to the newest frame instead.

const WHOLE_RUN = 9; // seconds at speed 1
const FEWEST = 40; // frames that a run is taken to have while its length is unknown

export class Playback {
  constructor({ reducedMotion = false } = {}) {
    this.speed = 1;
    this.reducedMotion = reducedMotion;
    this.reset();
  }

  /** Back to the first frame, playing; with reduced motion straight to what is there. */
  reset() {
    this.position = 0;
    this.frames = 0;
    this.expected = 0;
    this.finished = false;
    this.limit = Infinity;
    this.playing = true;
    this.live = this.reducedMotion;
  }

  /** The frame under the cursor, or -1 while there is none. */
  get frame() {
    return Math.min(Math.floor(this.position), this.frames - 1, this.last);
  }

  /** The last frame that may be shown by now. */
  get last() {
    return Math.max(0, Math.min(this.frames - 1, this.limit));
  }

  /** At a frame beyond which it may not go yet, although more are there. */
  get held() {
    return this.limit < this.frames - 1 && this.frame === this.last;
  }

  /**
   * Tell how many frames there are, how many there will be if that is known, whether that was all, and the
   * last one that may be shown.
   */
  grow(frames, expected, finished, limit = Infinity) {
    this.frames = frames;
    this.expected = expected;
    this.finished = finished;
    this.limit = limit;
    this.position = Math.min(this.position, Math.max(this.last, 0));
  }

  /** Let `seconds` pass. */
  advance(seconds) {
    if (!this.playing || !this.frames) return;
    if (this.live) {
      this.position = this.last;
    } else {
      const total = this.finished ? this.frames : Math.max(this.expected || 0, this.frames, FEWEST);
      this.position = Math.min(this.position + (this.speed * seconds * total) / WHOLE_RUN, this.last);
    }
    if (this.#over) this.pause();
  }

  get #over() {
    return this.finished && this.frame >= this.frames - 1;
  }

  /** Play; from the beginning if the end has been reached. */
  play() {
    if (this.#over) this.position = 0;
    this.playing = true;
    this.live = false;
  }

  pause() {
    this.playing = false;
    this.live = false;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Move to a frame; playing goes on from there. */
  seek(frame) {
    this.position = Math.max(0, Math.min(frame, this.last));
    this.live = false;
  }

  /** Move by some frames and hold. */
  step(by) {
    this.seek(this.frame + by);
    this.playing = false;
  }

  /** Jump to the newest frame and stay with it. */
  follow() {
    this.position = this.last;
    this.live = true;
    this.playing = !this.finished || this.held;
  }
}
