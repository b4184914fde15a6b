// The state of the page is its address: filter, page and what is open. Views read it, change it, and are told of changes.

/** Parameters that choose events; the server knows the same names (ris_explorer/selection.py). */
export const FILTER = [
  "station", "class", "reviewed_class", "from", "to", "hours", "months", "snr", "amplitude", "probability", "novelty",
  "frequency", "duration", "assigned", "reviewed", "source", "lasso", "events",
];

/** Parameters of the page itself, with what they are when the address does not name them. */
const DEFAULTS = { view: "events", tab: "gallery", event: "", colour: "class", sort: "time", page: "1" };

/** All parameters of the page itself, by the view that has them. */
const PAGE = new Set([
  ...Object.keys(DEFAULTS), "begin", "end", "bin", "series", "measure", "drawn", "hide", "intervals", "clock", "tide", "second",
  "before", "after", "cell", "changes",
]);

class State {
  constructor() {
    this.values = this.#read();
    this.listeners = [];
    window.addEventListener("popstate", () => this.#become(this.#read()));
  }

  /** The value of a parameter, as text; "" if a filter does not restrict it. */
  get(name) {
    return this.values.get(name) ?? DEFAULTS[name] ?? "";
  }

  /**
   * Change parameters. null or "" removes one. Each call is one step of the back button, unless `replace` is true.
   * A change of the filter leads back to the first page of the gallery.
   */
  set(patch, { replace = false } = {}) {
    const next = new Map(this.values);
    const changes = { ...patch };
    if (Object.keys(patch).some((name) => FILTER.includes(name)) && !("page" in patch)) changes.page = null;
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "" || String(value) === DEFAULTS[name]) next.delete(name);
      else next.set(name, String(value));
    }
    const address = this.#address(next);
    if (address === this.#address(this.values)) return;
    window.history[replace ? "replaceState" : "pushState"](null, "", address);
    this.#become(next);
  }

  /** Take the filter away, all or some of it. */
  clear(names = FILTER) {
    this.set(Object.fromEntries(names.map((name) => [name, null])));
  }

  /** The filter as URLSearchParams, to be sent to the server; `patch` changes it, null removes. */
  filter(patch = {}) {
    const found = new URLSearchParams();
    for (const name of FILTER) {
      const value = name in patch ? patch[name] : this.values.get(name);
      if (value !== undefined && value !== null && value !== "") found.set(name, value);
    }
    return found;
  }

  /** Names of the address that no view knows, like misspelt ones. */
  get unknown() {
    return [...this.values.keys()].filter((name) => !PAGE.has(name) && !FILTER.includes(name));
  }

  /** Whether any filter restricts the events. */
  get filtered() {
    return FILTER.some((name) => this.values.has(name));
  }

  /** Call `listener` when one of these parameters changes; `"filter"` stands for all of the filter. */
  on(names, listener) {
    const wanted = new Set(names.flatMap((name) => (name === "filter" ? FILTER : [name])));
    this.listeners.push({ wanted, listener });
  }

  #read() {
    return new Map(new URLSearchParams(window.location.search));
  }

  #address(values) {
    const encoded = new URLSearchParams([...values]).toString();
    const text = encoded.replaceAll("%2C", ",").replaceAll("%3B", ";").replaceAll("%3A", ":"); // may stand there as they are
    return text ? `?${text}` : window.location.pathname;
  }

  #become(next) {
    const before = this.values;
    this.values = next;
    const changed = new Set([...before.keys(), ...next.keys()].filter((name) => before.get(name) !== next.get(name)));
    for (const { wanted, listener } of this.listeners) {
      if ([...changed].some((name) => wanted.has(name))) listener(changed);
    }
  }
}

export const state = new State();
