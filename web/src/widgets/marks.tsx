/* Small drawings. State is never colour alone: a triangle warns, hatching says "not known". */
export function WarningMark() {
    return (
        <svg class="mark mark-warning" viewBox="0 0 12 12" aria-hidden="true">
            <path d="M6 1.200 11.400 10.800H.6z" />
        </svg>
    );
}

export function CriticalMark() {
    return (
        <svg class="mark mark-critical" viewBox="0 0 12 12" aria-hidden="true">
            <path d="M3.600.500h4.800l3.100 3.100v4.800l-3.100 3.100H3.600L.5 8.400V3.600z" />
        </svg>
    );
}

export function SeverityMark({ severity }: { severity: "warning" | "critical" }) {
    return severity === "critical" ? <CriticalMark /> : <WarningMark />;
}

export function Brand() {
    return (
        <svg class="brand-mark" viewBox="0 0 24 20" aria-hidden="true">
            <path class="brand-zero" d="M0 10h24" />
            <path class="brand-receive" d="M1 8.500 5 7l3 .5L11.500 1 15 6.500 18 5l5 3" />
            <path class="brand-transmit" d="m1 11.500 4 1 3-.5 3.500 6L15 13.500l3 1.500 5-2" />
        </svg>
    );
}

export function DirectionMark({ towards }: { towards: "receive" | "transmit" }) {
    return (
        <svg class={`mark direction tone-${towards}`} viewBox="0 0 12 12" aria-hidden="true">
            <path d={towards === "receive" ? "M6 11 1.500 3h9z" : "M6 1 10.500 9h-9z"} />
        </svg>
    );
}

export function PauseMark({ paused }: { paused: boolean }) {
    return (
        <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
            <path d={paused ? "M2.500 1 11 6 2.500 11z" : "M2 1h3v10H2zM7 1h3v10H7z"} />
        </svg>
    );
}

type Verdict = "regressed" | "improved" | "changed" | "unchanged" | "not_enough_data";

const VERDICT_SHAPES: Record<Exclude<Verdict, "regressed">, string> = {
    improved: "M1.500 6.500 4.500 9.500 10.500 2.500",
    changed: "M6 1.200 10.800 6 6 10.800 1.200 6z",
    unchanged: "M2 6h8",
    not_enough_data: "M2 2h8v8H2zM2 6 6 2M2 10 10 2M6 10l4-4",
};

/* Worse is a warning; better is a tick, different a diamond, as before a dash, unknown hatched. */
export function VerdictMark({ verdict }: { verdict: Verdict }) {
    if (verdict === "regressed") return <WarningMark />;
    return (
        <svg class="mark mark-verdict" viewBox="0 0 12 12" aria-hidden="true">
            <path d={VERDICT_SHAPES[verdict]} />
        </svg>
    );
}
