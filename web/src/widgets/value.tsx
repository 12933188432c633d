/* A number with its unit, set smaller and lighter. The number has the room of its widest form. */
import { quantity, type ByteUnit, type Measure } from "../domain/units";

interface ValueProps {
    value: number;
    measure: Measure;
    bytesAs: ByteUnit;
}

export function Value({ value, measure, bytesAs }: ValueProps) {
    const q = quantity(value, measure, bytesAs);
    return (
        <span class="quantity">
            <span class="number">{q.number}</span>
            {q.unit && <span class="unit"> {q.unit}</span>}
        </span>
    );
}
