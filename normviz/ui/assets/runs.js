// A run as one visitor follows it: its settings, its recording so far, and how it stands.

import { claim } from "./early.js";
import { Recording, Schema, readRecording } from "./frames.js";
import { Connection } from "./stream.js";
import { t, tn } from "./words.js";

export class Run {
  /**
   * @param data what the page sent: {run, stream, settings, figures}; where there is no server it holds the whole
   *   run as `recording`, the bytes of a file that Recording.to_bytes wrote (normviz/frames.py)
   * @param {URL} address of the stream
   * @param on {change(), renew()}
   */
  constructor(data, address, on) {
    this.key = data.run;
    this.settings = data.settings;
    this.figures = data.figures;
    this.address = address;
    this.on = on;
    this.recording = null;
    this.recorded = false;
    this.status = "connecting";
    this.sentence = t("Starting the run …");
    if (data.recording) this.#read(data.recording);
    else this.#connect(claim(data.run));
  }

  /** No more frames will come: it ended, failed, or the visitor left it. */
  get finished() {
    return ["done", "failed", "stopped"].includes(this.status);
  }

  get frames() {
    return this.recording?.length ?? 0;
  }

  /** How many frames there will be, as far as the steps so far tell. */
  get expected() {
    const step = this.recording?.before(Infinity)?.step ?? 0;
    return step > 0 ? Math.round(((this.frames - 1) * this.lastStep) / step) + 1 : 0;
  }

  /** There is one frame and no time: nothing to play. */
  get still() {
    return this.recording?.schema.facts.frames === 1;
  }

  /** The last training step that there will be, as far as is known. */
  get lastStep() {
    const { facts } = this.recording?.schema ?? { facts: {} };
    return facts.steps ?? this.recording?.before(Infinity)?.step ?? 0;
  }

  /** Stop following; what has been seen stays. */
  leave() {
    if (this.finished) return;
    this.connection.close();
    this.left = true;
    this.#stand("stopped", t("You left this run; what has been recorded stays here."));
  }

  /** Follow the run again from where it was left. */
  resume() {
    this.left = false;
    this.#stand("connecting", t("Going on …"));
    this.#connect();
  }

  /** The same run at the same address. */
  stay() {
    if (!this.finished) this.connection.stay();
  }

  /** The same run at another address: the server found it again, or has itself come back. */
  move(address) {
    this.address = address;
    if (!this.finished) this.connection.move(address);
    else if (this.status !== "done" && !this.left) this.resume();
  }

  close() {
    this.connection?.close();
  }

  /** All of the run at once, from a file. */
  #read(bytes) {
    this.recording = readRecording(bytes).recording;
    this.recorded = true;
    this.status = "done";
    this.sentence = "";
  }

  #connect(begun = null) {
    this.connection = new Connection(
      this.address,
      {
        schema: (told) => {
          if (!this.recording || this.generation !== told.generation) {
            this.recording = new Recording(new Schema(told.schema));
            this.generation = told.generation;
          }
          this.recorded = told.recorded;
          this.#stand("running", "");
        },
        frame: (k, bytes) => {
          this.recording.put(k, bytes);
          if (this.status === "waiting") this.#stand("running", "");
          else this.on.change();
        },
        end: ({ status, sentence }) => this.#stand(status, sentence ?? ""),
        queue: (place) => this.#stand("waiting", waiting(place)),
        state: (name) => {
          if (name === "reconnecting") this.#stand(name, t("The connection was lost; trying again …"));
          else if (this.status === "reconnecting") this.#stand(name, "");
        },
        renew: () => this.on.renew(),
      },
      () => (this.recording ? { after: this.recording.complete, generation: this.generation } : { after: 0 }),
      begun,
    );
  }

  #stand(status, sentence) {
    this.status = status;
    this.sentence = sentence;
    this.on.change();
  }
}

function waiting(place) {
  if (place === 0) return t("Other windows of yours are computing; this run goes on when one of them is done.");
  return tn(
    "The machine is busy: one run is ahead of yours. It starts by itself.",
    "The machine is busy: {n} runs are ahead of yours. It starts by itself.",
    place,
  );
}

/** What differs between the settings of two runs, in words; empty if nothing does. */
export function changes(before, after) {
  const old = new Map(before.map((setting) => [setting.name, setting]));
  return after
    .filter(({ name, text }) => old.has(name) && old.get(name).text !== text)
    .map((setting) => `${setting.label}: ${change(old.get(setting.name), setting)}`)
    .join(" · ");
}

/** One setting's change; of several values only those that came or went. */
function change(before, after) {
  const without = (some, others) => some.filter((one) => !others.includes(one));
  const told = [
    ...without(after.parts ?? [], before.parts ?? []).map((one) => `+ ${one}`),
    ...without(before.parts ?? [], after.parts ?? []).map((one) => `− ${one}`),
  ];
  return told.length ? told.join(", ") : `${before.text} → ${after.text}`;
}
