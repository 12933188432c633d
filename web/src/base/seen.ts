/*
 * Something that happens again and again while somebody looks: a hidden page is not even woken for it.
 * Seen again, it happens at once.
 */
export function everySeen(run: (seenAgain: boolean) => void, ms: number): () => void {
    let timer: ReturnType<typeof setInterval> | undefined;
    const settle = () => {
        clearInterval(timer);
        timer = document.hidden ? undefined : setInterval(run, ms, false);
    };
    const changed = () => {
        settle();
        if (!document.hidden) run(true);
    };
    document.addEventListener("visibilitychange", changed);
    settle();
    return () => {
        document.removeEventListener("visibilitychange", changed);
        clearInterval(timer);
    };
}
