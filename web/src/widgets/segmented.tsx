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
                    aria-label={spoken(c)}
                    title={c.name}
                    onClick={() => props.onChoose(c.value)}
                >
                    {c.short}
                </button>
            ))}
        </div>
    );
}

/* What stands there is part of what is said, for those who speak to their browser. */
function spoken({ short, name }: { short: string; name: string }): string {
    return name.includes(short) ? name : `${short}, ${name}`;
}
