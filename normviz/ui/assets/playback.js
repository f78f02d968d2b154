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
    this.playing = true;
    this.live = this.reducedMotion;
  }

  /** The frame under the cursor, or -1 while there is none. */
  get frame() {
    return Math.min(Math.floor(this.position), this.frames - 1);
  }

  get last() {
    return Math.max(0, this.frames - 1);
  }

  /** Tell how many frames there are, how many there will be if that is known, and whether that was all. */
  grow(frames, expected, finished) {
    this.frames = frames;
    this.expected = expected;
    this.finished = finished;
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
    if (this.finished && this.frame >= this.last) this.pause();
  }

  /** Play; from the beginning if the end has been reached. */
  play() {
    if (this.finished && this.frame >= this.last) this.position = 0;
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
    this.playing = !this.finished;
  }
}
