/* What is fetched when it is first wanted: what every page needs is not made larger by it. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect } from "preact/hooks";

type Part<P> = (props: P) => JSX.Element;

/* Meanwhile: what stands there until it is there, or could not be fetched. */
export function later<P extends object = object>(
    load: () => Promise<Part<P>>,
    Meanwhile: Part<P & { failed: boolean }> = PageMeanwhile,
): Part<P> {
    const state = signal<{ Whole?: Part<P>; failed: boolean }>({ failed: false });
    let asked = false;
    const ask = () => {
        asked = true;
        if (state.peek().failed) state.value = { failed: false };
        load().then(
            (Whole) => (state.value = { Whole, failed: false }),
            () => (state.value = { failed: true }),
        );
    };
    return (props) => {
        if (!asked) ask();
        // Whoever comes after it failed asks anew: before it is painted that it failed, and before
        // what this one has asked can.
        useLayoutEffect(() => {
            if (state.peek().failed) ask();
        }, []);
        const { Whole, failed } = state.value;
        return Whole ? <Whole {...props} /> : <Meanwhile {...props} failed={failed} />;
    };
}

function PageMeanwhile({ failed }: { failed: boolean }) {
    return (
        <h1 class="sentence">
            {failed ? (
                <>
                    <strong>This page could not be fetched.</strong> <NotFetched />
                </>
            ) : (
                "Fetching this page…"
            )}
        </h1>
    );
}

/* Why something of this page's version is not there, and what to do. */
export function NotFetched() {
    return (
        <>
            The server is gone or has been replaced by another version; what is open already still
            works.{" "}
            <button type="button" class="button" onClick={() => window.location.reload()}>
                Reload
            </button>
        </>
    );
}
