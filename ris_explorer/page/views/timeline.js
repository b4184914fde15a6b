// Events over time.

/** Build the view in `root`. */
export function mountTimeline(root, app) {}
