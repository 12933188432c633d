/* How far something moved from where it was: a bar to the right for more, to the left for less. */
const WIDTH = 96;
const HEIGHT = 12;

interface ChangeBarProps {
    share: number; // -1 to 1 of half the width
    tone: string;
}

export function ChangeBar({ share, tone }: ChangeBarProps) {
    const half = WIDTH / 2;
    const length = share === 0 ? 0 : Math.max(1, Math.abs(share) * half);
    return (
        <svg
            class={`change-bar change-${tone}`}
            width={WIDTH}
            height={HEIGHT}
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            aria-hidden="true"
        >
            <rect
                class="change-length"
                x={share < 0 ? half - length : half}
                y="2"
                width={length}
                height={HEIGHT - 4}
            />
            <rect class="change-zero" x={half - 0.5} y="0" width="1" height={HEIGHT} />
        </svg>
    );
}
