// Hours of the day, months, tide.

/** Build the view in `root`. */
export function mountCalendar(root, app) {}
