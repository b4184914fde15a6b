// The filter: what restricts the events, how many pass, and the fields that change it. The address is its only memory.

import { address, get, onlyLatest } from "../api/api.js";
import { FILTER, state } from "../state/state.js";
import { checkList, choice, cycle, ends, section, timeField } from "./filter/fields.js";
import { savedFilters } from "./filter/saved.js";
import { inWords, month, QUANTITIES } from "./filter/words.js";
import { classColour, classMarker, classTitle } from "./parts/colours.js";
import { fill, h, say } from "./parts/elements.js";
import { count } from "./parts/formats.js";
import { onKey } from "./parts/keys.js";
import { onTheme } from "./parts/theme.js";

const DAY_S = 86400;

/** Build the view in `root`. */
export function mountFilterBar(root, app) {
  const total = h("p", { class: "filter-total", role: "status" });
  const chips = h("ul", { class: "filter-chips", "aria-label": "Filters that restrict" });
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const notes = h("div", { class: "filter-notes" });
  const csv = h("a", { class: "button", download: "", href: address("selection.csv") }, "CSV");
  const clear = h("button", { type: "button", title: "Take all filters away (c)", onclick: () => state.clear() }, "Clear");
  const actions = h("p", { class: "filter-actions" }, clear, h("button", { type: "button", onclick: copyLink }, "Copy link"), csv);
  const classes = checkList("class", "Classes");
  const stations = checkList("station", "Stations");
  const reviewedClass = choice("reviewed_class", "reviewed as", []);
  const day = (time) => new Date(time * 1000).toISOString().slice(0, 10);
  const [first, after] = app.network.first === null ? ["", ""] : [day(app.network.first), day(app.network.last + DAY_S)];
  const hours = Array.from({ length: 24 }, (_, hour) => [String(hour), `${hour} h`]);
  const months = Array.from({ length: 12 }, (_, index) => [String(index + 1), month(index + 1)]);
  const quantities = QUANTITIES.map(([name, title, unit]) => ends(name, title, unit(app)));
  const numbers = section("Quantities", quantities.map(({ name }) => name), false, ...quantities);
  fill(root, total, trouble, notes, chips, actions,
    section("Class", ["class"], true, classes),
    section("Station", ["station"], true, stations),
    section("Time (UTC)", ["from", "to", "hours", "months"], true,
      timeField("from", "from", first), timeField("to", "before", after), cycle("hours", "hours", hours), cycle("months", "months", months)),
    numbers,
    section("Review", ["reviewed", "reviewed_class", "assigned"], false,
      choice("reviewed", "reviewed", [["", "any"], ["yes", "yes"], ["no", "no"], ["audit", "yes, drawn at random"]]),
      reviewedClass,
      choice("assigned", "assigned", [["", "any"], ["yes", "yes"], ["no", "no"]])),
    section("Source", ["source"], false,
      choice("source", "heard at", [["", "any number of stations"], ["yes", "several stations"], ["no", "one station"]])),
    savedFilters(app),
  );
  onKey("c", "take all filters away", () => state.clear(), () => state.filtered);

  function showFilter() {
    const names = FILTER.filter((name) => state.get(name));
    fill(chips, names.map((name) => {
      const words = inWords(app, name, state.get(name));
      return h("li", {}, h("button", { type: "button", "data-name": name, title: "Remove", "aria-label": `Remove: ${words}`, onclick: () => state.clear([name]) }, words, " ×"));
    }));
    clear.disabled = !names.length;
    csv.href = address("selection.csv", state.filter());
  }

  function showCounts(counts, error) {
    trouble.hidden = !error;
    trouble.textContent = error ? `${error.message}. Remove what is wrong below.` : "";
    for (const chip of chips.querySelectorAll("button")) chip.classList.toggle("trouble", Boolean(error?.message.startsWith(chip.dataset.name)));
    total.textContent = totalWords(counts, error);
    fill(notes, (counts?.notes ?? []).map((each) => h("p", {}, each)));
    showChoices(counts);
  }

  const latest = onlyLatest();
  /** Classes and stations have the events that they would add: counted without the restriction to some of them. */
  async function showChoices(counts) {
    const number = (name) => (state.get(name) ? get("counts", state.filter({ [name]: null })).catch(() => null) : counts);
    const found = await latest(() => Promise.all([number("class"), number("station")]));
    if (!found) return;
    classes.renew(app.network.classes.map((each) => ({
      value: String(each.number), text: classTitle(app, each.number), marker: classMarker(each.number), colour: classColour(app, each.number),
    })), found[0]?.by_class);
    stations.renew(app.network.station_codes.map((code) => ({ value: code, text: code })), found[1]?.by_station);
    reviewedClass.renew([["", "any class"], ...app.network.reviewed_names.map((name) => [name, name])]);
  }

  const latestBars = onlyLatest();
  /** How the quantities of the events that pass are distributed; asked for only where it is seen. */
  async function showDistributions() {
    if (!numbers.open) return;
    const found = await latestBars((signal) => get("distributions", state.filter(), signal)).catch(() => ({}));
    if (found) quantities.forEach((each) => each.distribute(found.numbers?.[each.name] ?? null));
  }

  numbers.addEventListener("toggle", showDistributions);
  app.onCounts(showDistributions);
  state.on(["filter"], showFilter);
  showFilter();
  app.onCounts(showCounts);
  app.onRenewed(() => showFilter());
  onTheme(() => showChoices(app.counts));
}

function totalWords(counts, error) {
  if (error) return "The filter cannot be used.";
  if (!counts) return "The events are counted.";
  if (!counts.of) return "The catalogue has no events.";
  if (counts.events === counts.of) return `All ${count(counts.of)} events`;
  if (!counts.events) return `No event of ${count(counts.of)} passes.`;
  return `${count(counts.events)} of ${count(counts.of)} events`;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(window.location.href);
    say("The address of this view is copied.");
  } catch {
    say(`The browser does not let the page copy. The address is ${window.location.href}`);
  }
}
