// The run of a page, begun by its address before there is a page (ahead.js).  Its messages wait here for the stage,
// which takes the connection over if it shows the same run.

const KEPT = 20_000; // ms; a page that has no stage by then has another run, or none
const utf8 = new TextDecoder();

let early = null; // {socket, messages, run}

/** Ask for the run of the page at this address. */
export function begin() {
  const page = location.pathname.replace(/\/+$/, "").split("/").pop();
  const base = new URL("../../../", import.meta.url); // this file is lab/assets/{version}/early.js
  const url = new URL(`lab/open/${page}${location.search}`, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const mine = { socket: new WebSocket(url), messages: [], run: null };
  mine.socket.binaryType = "arraybuffer";
  mine.socket.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data);
    if (bytes[0] === 82) mine.run = JSON.parse(utf8.decode(bytes.subarray(1))).run; // "R"
    else mine.messages.push(data);
  };
  early = mine;
  setTimeout(() => early === mine && claim(null), KEPT);
}

/** Take over what was begun: {socket, messages so far} if it is this run; otherwise it ends, and there is null. */
export function claim(run) {
  const found = early;
  early = null;
  if (!found) return null;
  if (run !== null && found.run === run && found.socket.readyState === WebSocket.OPEN) return found;
  found.socket.onmessage = null;
  found.socket.close(1000);
  return null;
}
