// The page Review.

/** Build the view in `root`. */
export function mountReview(root, app) {}
