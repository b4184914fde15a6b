// The timeline in words and as a table.

import { classTitle } from "./colours.js";
import { h } from "./elements.js";
import { count, events, number, time } from "./formats.js";
import { knownCounts } from "./timeline_chart.js";

const minute = (seconds) => time(seconds).slice(0, 16);

/** A time from begin to end in words. */
export const spanText = (begin, end) => `${minute(begin)} to ${minute(end)} UTC`;

/** What a reader must know of what is shown. */
export function notes({ answer, series }, measure, intervals) {
  const { live, stations, edges } = answer;
  const said = [`${events(answer.shown)}, bins of ${/^\d/.test(answer.bin.name) ? "" : "1 "}${answer.bin.name}, ${spanText(edges[0], edges.at(-1))}.`];
  if (answer.events > answer.shown) said.push(`${events(answer.events - answer.shown)} of the filter lie outside of this time.`);
  if (!live.known) said.push(`${live.reading ? "" : "Counts only: "}${live.words}.`);
  if (measure === "rates") {
    said.push(`Rates are events per live hour of a station, ${stations.length === 1 ? `of ${stations[0]}` : `${stations.length} stations together`}.`);
    if (intervals) said.push(`Vertical lines: ${Math.round(100 * answer.level)} % Poisson intervals.`);
    if (answer.outside_live) said.push(`${events(answer.outside_live)} did not begin in live time and are in no rate.`);
  }
  if (live.known) {
    said.push("Beneath the chart, for each station: the share of each bin in which it was live.");
    if (answer.absent_bins) said.push(`Hatched: ${count(answer.absent_bins)} of ${count(edges.length - 1)} bins have no live time; nothing is known of them.`);
    if (answer.partial_bins) said.push(`${count(answer.partial_bins)} bins have live time in part: their counts are too low, their rates are not.`);
  }
  const found = said.map((text) => `${text} `);
  if (series?.trouble) found.push(h("span", { class: series.absent ? "absent" : "trouble" }, series.trouble));
  else if (series) {
    found.push(`${series.name}: mean (dashed) and range of the values in each bin, ${series.unit}; ${count(series.bins)} of ` +
      `${count(edges.length - 1)} bins have values, none are filled in.`);
  }
  return found;
}

/** The bins as a table; those without events and with full live time as well. */
export function binTable({ answer, app, series }, measure) {
  const shown = answer.classes.filter((each) => each.counts.some((n) => n > 0));
  const drawn = shown.map((each) => (measure === "rates" ? each.rates : knownCounts(each.counts, answer.live_hours)));
  const withSeries = series && !series.trouble ? series : null;
  const head = ["Begin (UTC)", "live hours", ...shown.map((each) => `${classTitle(app, each.number)}${measure === "rates" ? " (1/h)" : ""}`)];
  if (withSeries) head.push(`${withSeries.name} (${withSeries.unit})`);
  const rows = answer.edges.slice(0, -1).map((begin, bin) => {
    const live = answer.live_hours ? number(answer.live_hours[bin]) : "not known";
    const values = drawn.map((own) => (own[bin] === null ? "no live time" : measure === "rates" ? number(own[bin]) : count(own[bin])));
    if (withSeries) values.push(withSeries.mean[bin] === null ? "no value" : number(withSeries.mean[bin]));
    return h("tr", {}, h("th", { scope: "row" }, minute(begin)), h("td", {}, live), values.map((text) => h("td", {}, text)));
  });
  return h("div", { class: "timeline-rows", tabindex: "0", role: "region", "aria-label": "Bins of the timeline" },
    h("table", {}, h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows)));
}
