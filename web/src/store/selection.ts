/*
 * What a page wants to see: exact metric names in groups, and label matches for all of them. Each
 * group is one request for history, so the group in sight first can be painted first.
 */
export interface Selection {
    key: string; // changes when the page shows something else
    groups: readonly (readonly string[])[];
    match: readonly string[]; // label=glob
}

export const NOTHING: Selection = { key: "", groups: [], match: [] };
