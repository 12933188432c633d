/*
 * What a page wants to see: exact metric names in groups, and label matches for all of them. Each
 * group is one request for history, so the group in sight first can be painted first.
 */
export interface Selection {
    key: string; // changes when the page shows something else
    groups: readonly (readonly string[])[];
    match: readonly string[]; // label=glob
    bands?: BandWish; // draw what is usual for these, too
}

export interface BandWish {
    metrics: readonly string[];
    match: readonly string[];
}

/* Of a page without charts: one series, so that it knows whether the server is alive. */
export const PULSE: Selection = { key: "pulse", groups: [["node_time_seconds"]], match: [] };

export const NOTHING: Selection = { key: "", groups: [], match: [] };
