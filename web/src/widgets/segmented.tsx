/* One of a few: a row of buttons of which one is pressed. */
interface SegmentedProps<T extends string | number> {
    label: string;
    choices: readonly { value: T; short: string; name: string }[];
    value: T | undefined;
    onChoose(value: T): void;
}

export function Segmented<T extends string | number>(props: SegmentedProps<T>) {
    return (
        <div class="segmented" role="group" aria-label={props.label}>
            {props.choices.map((c) => (
                <button
                    key={c.value}
                    type="button"
                    aria-pressed={c.value === props.value}
                    aria-label={c.name}
                    title={c.name}
                    onClick={() => props.onChoose(c.value)}
                >
                    {c.short}
                </button>
            ))}
        </div>
    );
}
