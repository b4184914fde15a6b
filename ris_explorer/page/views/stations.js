// Stations: map and table.

/** Build the view in `root`. */
export function mountStations(root, app) {}
