/* What a page wants to see: name globs (one history request each) and label matches for all. */
export interface Selection {
    key: string; // changes when the page shows something else
    metrics: readonly string[]; // the first is shown first
    match: readonly string[]; // label=glob
}

export const NOTHING: Selection = { key: "", metrics: [], match: [] };
