// Colours of the classes: those of the figures, and where they could not be seen on the page's ground, their like.

import { isDark } from "./theme.js";

const INSTEAD_ON_LIGHT = { "#F0E442": "#A39600" };
const INSTEAD_ON_DARK = { "#000000": "#F2F2F2", "#0072B2": "#3A93CF" };
const MARKERS = ["●", "▲", "■", "◆"];
const COLOURS = 8;

const classOf = (app, number) => app.network.classes.find((each) => each.number === Number(number));

/** A colour of the figures as it is seen on the present ground, "#rrggbb". */
export const seen = (colour) => (isDark() ? INSTEAD_ON_DARK : INSTEAD_ON_LIGHT)[colour.toUpperCase()] ?? colour;

/** Colour of a class, "#rrggbb". Use it anew after `onTheme` (theme.js). */
export const classColour = (app, number) => seen(classOf(app, number)?.colour ?? "#7f7f7f");

/** "3 stick-slip"; a class whose name is its number has the number alone. */
export function classTitle(app, number) {
  if (Number(number) < 0) return "without a label";
  const name = classOf(app, number)?.name ?? "";
  return name && name !== String(number) ? `${number} ${name}` : `class ${number}`;
}

/** Marker of a class as text: colours repeat after eight classes, markers tell those apart. */
export const classMarker = (number) =>
  Number(number) < 0 ? "○" : MARKERS[Math.floor(Number(number) / COLOURS) % MARKERS.length];
