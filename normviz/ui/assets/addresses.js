// The address of a page whose settings live in the browser follows them, without a word to the server.

const PAUSE = 200; // ms without another change; browsers limit how often an address may be written

export class Address {
  /**
   * `told` gives the settings as they are now, and those that an address leaves out: {values, defaults}.
   * A page that stands `alone`, in a file of its own, begins as it was taken: its address says nothing.
   */
  constructor(told, alone = false) {
    this.told = told;
    this.alone = alone;
    this.timer = null;
  }

  /** Whether something was done a moment ago that the address does not say yet. */
  get behind() {
    return this.timer !== null;
  }

  /** The settings have changed. */
  follow() {
    if (this.alone) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#write(), PAUSE);
  }

  #write() {
    this.timer = null;
    const url = new URL(location.href), { values, defaults } = this.told();
    for (const [name, value] of Object.entries(values)) {
      url.searchParams.delete(name); // first, so that the order is always the same
      const text = typeof value === "boolean" ? String(Number(value)) : String(value);
      if (value !== defaults[name]) url.searchParams.set(name, text);
    }
    url.searchParams.delete("version"); // of the link by which the visitor came
    history.replaceState(history.state, "", url);
    dispatchEvent(new Event("nv-address"));
  }

  end() {
    clearTimeout(this.timer);
  }
}
