// The connection to a run: a websocket that carries the schema, then frames, then how it ended.
//
//   server: "S" + JSON {schema, recorded, generation}         "F" + u32 first index + (u32 length + frame)…
//           "E" + JSON {status, sentence, frames}             "Q" + JSON {place}             "B" at least every 5 s
//   client: JSON {seen: frames received over this connection}; the server never runs far ahead of that
//
// A connection that drops comes back by itself and asks for the frames it has not seen ("after=n", valid for
// the generation of frames that it names: a run that came out differently begins anew).  One that has gone without
// a word, because a network went away, is known by its silence.
//
// A server that does not know the run was started anew, or it is another one of several.  The page's script opens the
// run there and tells its new address; it hears nothing until the page's own connection has come back, so it is asked
// again and again.  If it goes on naming an address that nobody knows, its session lives on one server while a proxy
// leads the stream to another one: only loading the page brings them together.

import { parseJson } from "./frames.js";
import { t } from "./words.js";

const FIRST_WAIT = 250; // ms before the first new attempt; doubles up to LONGEST_WAIT
const LONGEST_WAIT = 8000;
const SILENCE = 15000; // ms without a word after which a connection has gone
const LONGEST_SILENCE = 120000;
const RENEW_EVERY = 3; // failed attempts in a row after which the page is asked for a new address
const UNKNOWN = 4404; // the server does not know this run (any more)
const STRANDED = 3; // times that the page names an address that is not known, until it is loaded again
const LOADED_EVERY = 60000; // ms at least
const LOADED_AGAIN = "normviz loaded again"; // when, in the storage of the window
const REFUSED = [4400, 4429, 1008]; // trying again would not help
const utf8 = new TextDecoder();

export class Connection {
  /**
   * @param {URL} address of the run's stream
   * @param handlers {schema(told), frame(index, bytes), end(told), queue(place), state(name), renew()}
   * @param after {() => object} what is here already: {after: frames without a gap, generation}
   * @param begun a connection that was opened before, if any (early.js)
   */
  constructor(address, handlers, after, begun = null) {
    this.address = address;
    this.handlers = handlers;
    this.after = after;
    this.failures = 0;
    this.unknown = false; // who answered last does not know the run
    this.named = 0; // times that the page has named its address all the same
    this.patience = SILENCE;
    this.wake = () => this.#now();
    window.addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
    if (begun) queueMicrotask(() => this.#take(begun));
    else this.#open();
  }

  /** Leave the run.  The last one to leave ends it. */
  close() {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.listening);
    window.removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    this.socket?.close(1000);
  }

  /** The page goes on naming the same address. */
  stay() {
    if (this.unknown) this.named += 1;
  }

  /** Go on at another address: the same run, found again after the server forgot the first one. */
  move(address) {
    this.address = address;
    this.failures = this.named = 0;
    this.unknown = false;
    this.#now();
  }

  #open() {
    const url = new URL(this.address);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    for (const [name, value] of Object.entries(this.after())) url.searchParams.set(name, value);
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#follow(socket);
  }

  #follow(socket) {
    socket.onmessage = ({ data }) => socket === this.socket && this.#read(data);
    socket.onclose = (event) => socket === this.socket && this.#lost(event);
    this.received = 0;
    this.socket = socket;
    this.heard = false;
    this.#listen(SILENCE);
  }

  /** The next word is due within so many milliseconds. */
  #listen(patience) {
    clearTimeout(this.listening);
    this.listening = setTimeout(() => this.#miss(), patience);
  }

  /** Nothing has come: the connection has gone, or a large message is long on its way, which then gets more time. */
  #miss() {
    const { socket } = this;
    if (this.heard) this.patience = Math.min(LONGEST_SILENCE, 2 * this.patience);
    this.socket = null; // it may take minutes until the browser tells that this one is closed
    socket.close();
    this.#lost({});
  }

  /** Go on with a connection that others opened, from its first message. */
  #take({ socket, messages }) {
    if (this.closed) return socket.close(1000);
    this.#follow(socket);
    for (const data of messages) if (!this.closed) this.#read(data);
    if (!this.closed && socket.readyState > WebSocket.OPEN) this.#lost({ code: 1006, reason: "" });
  }

  #read(data) {
    this.failures = this.named = 0;
    this.unknown = false;
    this.heard = true;
    this.#listen(this.patience);
    const bytes = new Uint8Array(data);
    const kind = String.fromCharCode(bytes[0]);
    if (kind === "B") return;
    if (kind === "F") {
      this.patience = SILENCE;
      this.#readFrames(bytes);
      if (!this.closed) this.socket.send(JSON.stringify({ seen: this.received }));
      return;
    }
    const told = parseJson(utf8.decode(bytes.subarray(1)));
    if (kind === "S") this.handlers.schema(told);
    if (kind === "Q") this.handlers.queue(told.place);
    if (kind === "E") {
      this.handlers.end(told);
      this.close();
    }
  }

  #readFrames(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    let index = view.getUint32(1, true);
    for (let at = 5; at < bytes.length; ) {
      const length = view.getUint32(at, true);
      this.handlers.frame(index, bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
      index += 1;
      this.received += 1;
    }
  }

  #lost({ code, reason }) {
    clearTimeout(this.listening);
    if (this.closed) return;
    if (REFUSED.includes(code)) {
      this.handlers.end({ status: "failed", sentence: reason || t("The server refused this connection.") });
      this.close();
      return;
    }
    this.failures += 1;
    this.handlers.state("reconnecting");
    if (code === UNKNOWN || this.failures % RENEW_EVERY === 0) this.handlers.renew();
    this.unknown = code === UNKNOWN;
    if (this.unknown && this.named >= STRANDED) loadAgain();
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.failures - 1));
    this.timer = setTimeout(() => this.#open(), wait * (0.75 + Math.random() / 2));
  }

  /** Try at once instead of waiting, if there is no connection. */
  #now() {
    if (this.closed || document.hidden || this.socket?.readyState <= WebSocket.OPEN) return;
    clearTimeout(this.timer);
    this.#open();
  }
}

/** Load the page anew, unless that was tried a moment ago; a window that stores nothing could not tell. */
function loadAgain() {
  try {
    const before = Number(sessionStorage.getItem(LOADED_AGAIN));
    if (Date.now() - before < LOADED_EVERY) return;
    sessionStorage.setItem(LOADED_AGAIN, Date.now());
  } catch {
    return;
  }
  location.reload();
}
