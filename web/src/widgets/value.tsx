/* A number with its unit, set smaller and lighter. The number has the room of its widest form. */
import {
    NO_VALUE,
    quantity,
    speed,
    type ByteUnit,
    type Measure,
    type Quantity,
} from "../domain/units";

interface ValueProps {
    value: number;
    measure: Measure;
    bytesAs: ByteUnit;
}

export function Value({ value, measure, bytesAs }: ValueProps) {
    return <Set q={quantity(value, measure, bytesAs)} />;
}

export function Speed({ bps }: { bps: number | undefined }) {
    return <Set q={speed(bps)} />;
}

/* An empty unit keeps its room where a column gives it one. */
function Set({ q }: { q: Quantity }) {
    return (
        <span class="quantity">
            <span class="number">{q.number}</span>
            <span class="unit"> {q.number === NO_VALUE ? "" : q.unit}</span>
        </span>
    );
}
