// Numbers and times as text. All times are UTC.

/** Seconds since 1970 as 2015-01-31 06:04:05 UTC. */
export function time(seconds, { fraction = false } = {}) {
  if (!Number.isFinite(seconds)) return "unknown";
  const text = new Date(Math.round(seconds * 1000)).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, fraction ? 23 : 19)} UTC`;
}

/** A number with three significant digits. */
export function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "unknown";
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) return value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}

/** A count with separators. */
export const count = (value) => value.toLocaleString("en-US");

/** "1 event", "2 events". */
export const events = (value) => `${count(value)} ${value === 1 ? "event" : "events"}`;
