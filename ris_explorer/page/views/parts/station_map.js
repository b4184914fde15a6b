// The map of the stations: pies of the classes on meridians and parallels, with a bar of scale and north. No tiles.

import { classColour, classTitle } from "./colours.js";
import { count, events } from "./formats.js";
import { h } from "./elements.js";
import { pressable, ring, roving, svg } from "./svg.js";

const WIDTH = 460;
const EDGE = 24;
const LEFT = 50;

/** Draw the map of an answer of /api/stations; `chosen` is a set of codes, `choose(code, event)` filters by one. */
export function stationMap(app, answer, chosen, choose) {
  const { bounds: [west, south, east, north], lines, scale_km: bar, projection, stations } = answer.map;
  const scale = (WIDTH - LEFT - EDGE) / (east - west);
  const height = (north - south) * scale + 2 * EDGE;
  const x = (km) => LEFT + (km - west) * scale;
  const y = (km) => height - EDGE - (km - south) * scale;
  const rows = new Map(answer.stations.map((row) => [row.station, row]));
  const pies = stations.map((place) => pie(app, answer, { ...place, x: x(place.x), y: y(place.y), radius: Math.max(4, place.radius * scale) },
    rows.get(place.station), chosen.has(place.station), choose));
  roving(pies);
  const inside = { x: LEFT, y: EDGE, width: WIDTH - LEFT - EDGE, height: height - 2 * EDGE };
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${height.toFixed(0)}`, width: WIDTH, height: height.toFixed(0), role: "group", "aria-label": "Map of the stations; pies are shares of the classes" },
    svg("defs", {}, svg("clipPath", { id: "station-map-inside" }, svg("rect", inside))),
    svg("rect", { ...inside, class: "map-frame" }),
    svg("g", { "clip-path": "url(#station-map-inside)", "aria-hidden": "true" },
      lines.map(({ points }) => svg("polyline", { points: points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" "), class: "map-line" }))),
    svg("g", { "aria-hidden": "true" }, lines.map((line) => lineName(line, x, y, inside))),
    svg("g", { "aria-hidden": "true", transform: `translate(${LEFT + 10} ${height - EDGE - 10})` },
      svg("line", { x1: 0, y1: 0, x2: bar * scale, y2: 0, class: "map-bar" }), svg("text", { x: (bar * scale) / 2, y: -6, "text-anchor": "middle" }, `${bar} km`)),
    arrow(stations, WIDTH - EDGE - 30, EDGE + 30), pies);
  return h("figure", {}, drawn, h("figcaption", {}, `Projection: ${projection}, WGS84. Areas of the pies grow with the number of events.`));
}

function pie(app, answer, place, row, isChosen, choose) {
  const shares = answer.classes.map((cls, index) => [cls, row.counts[index]]).filter(([, n]) => n > 0);
  const text = [`${place.station}: ${events(row.events)}`, ...shares.map(([cls, n]) => `${classTitle(app, cls)} ${Math.round((100 * n) / row.events)} %`)].join(", ");
  let turn = 0;
  const parts = shares.map(([cls, n]) => {
    const begin = turn;
    turn += n / row.events;
    return svg("path", { d: ring(place.x, place.y, 0, place.radius, begin, turn), fill: classColour(app, cls), class: "map-share" });
  });
  return svg("g", { class: "map-station", "data-focus": `map-${place.station}`, ...pressable(text, isChosen, (event) => choose(place.station, event)) },
    svg("title", {}, `${text} (${place.latitude.toFixed(3)}°, ${place.longitude.toFixed(3)}°)`),
    svg("circle", { cx: place.x, cy: place.y, r: place.radius + (isChosen ? 4 : 1), class: isChosen ? "map-chosen" : "map-empty" }),
    parts,
    svg("text", { x: place.x, y: place.y + place.radius + 13, "text-anchor": "middle" }, `${place.station} ${count(row.events)}`));
}

/** The name of a parallel where it crosses the left side of the map, of a meridian on the lower side, else the upper. */
function lineName({ name, points }, x, y, inside) {
  const [right, bottom] = [inside.x + inside.width, inside.y + inside.height];
  const drawn = points.map(([px, py]) => [x(px), y(py)]);
  if (/[NS]$/.test(name)) {
    const left = crossing(drawn, 0, inside.x, inside.y, bottom);
    return left === null ? null : svg("text", { x: inside.x - 3, y: left, class: "map-degrees", "text-anchor": "end", "dominant-baseline": "central" }, name);
  }
  const below = crossing(drawn, 1, bottom, inside.x, right);
  const above = below ?? crossing(drawn, 1, inside.y, inside.x, right);
  return above === null ? null : svg("text", { x: above, y: below === null ? inside.y - 4 : bottom + 12, class: "map-degrees", "text-anchor": "middle" }, name);
}

/** Where a line crosses `level` of one axis (0: x, 1: y), as a place on the other one between two ends; or null. */
function crossing(points, axis, level, least, most) {
  for (let index = 1; index < points.length; index += 1) {
    const [a, b] = [points[index - 1], points[index]];
    if (a[axis] < level === b[axis] < level) continue;
    const share = (level - a[axis]) / (b[axis] - a[axis]);
    const place = a[1 - axis] + share * (b[1 - axis] - a[1 - axis]);
    if (place >= least && place <= most) return place;
  }
  return null;
}

/** Where north is at the middle of the stations; meridians may run in different directions elsewhere. */
function arrow(stations, x, y) {
  const turn = stations.reduce((sum, { north }) => [sum[0] + Math.sin((north * Math.PI) / 180), sum[1] + Math.cos((north * Math.PI) / 180)], [0, 0]);
  const degrees = (Math.atan2(...turn) * 180) / Math.PI;
  return svg("g", { transform: `translate(${x} ${y}) rotate(${degrees.toFixed(1)})`, role: "img", "aria-label": "North, at the middle of the stations" },
    svg("path", { d: "M 0 -16 L 5 6 L 0 2 L -5 6 Z", class: "map-arrow" }),
    svg("text", { x: 0, y: -24, "text-anchor": "middle", "dominant-baseline": "central", transform: `rotate(${(-degrees).toFixed(1)} 0 -24)` }, "N"));
}
