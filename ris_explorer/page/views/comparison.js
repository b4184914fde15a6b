// The page Models: two models side by side.

/** Build the view in `root`. */
export function mountComparison(root, app) {}
