/* The place of a table that is on its way: as high as its rows, so that nothing moves when it comes. */
export function Skeleton({ rows, what }: { rows: number; what: string }) {
    return (
        <div class="skeleton" role="status">
            <span class="visually-hidden">Reading {what}…</span>
            {Array.from({ length: rows }, (_, i) => (
                <div key={i} class="skeleton-row" aria-hidden="true" />
            ))}
        </div>
    );
}
