/* Marks on the buttons of a chart. */
export function TableMark() {
    return (
        <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
            <path d="M1 1h10v10H1zM2.300 2.300v1.700h7.400V2.300zM2.300 5.200v1.700h2.900V5.200zm4.200 0v1.700h3.200V5.200zM2.300 8.100v1.600h2.900V8.100zm4.200 0v1.600h3.200V8.100z" />
        </svg>
    );
}

export function FullMark() {
    return (
        <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
            <path d="M1 1h4v1.400H2.400V5H1zM7 1h4v4H9.600V2.400H7zM1 7h1.400v2.600H5V11H1zM9.600 7H11v4H7V9.600h2.600z" />
        </svg>
    );
}
