/* A page that is fetched when it is first wanted: what every page needs is not made larger by it. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";

type Page = () => JSX.Element;

export function later(load: () => Promise<Page>): Page {
    const state = signal<{ Page?: Page; failed: boolean }>({ failed: false });
    let asked = false;
    const ask = () => {
        asked = true;
        load().then(
            (Page) => (state.value = { Page, failed: false }),
            () => (state.value = { failed: true }),
        );
    };
    return () => {
        if (!asked) ask();
        const { Page, failed } = state.value;
        if (Page) return <Page />;
        return (
            <h1 class="sentence">
                {failed ? (
                    <>
                        <strong>This page could not be fetched.</strong> The server is gone or has
                        been replaced by another version; what is open already still works.{" "}
                        <button
                            type="button"
                            class="button"
                            onClick={() => window.location.reload()}
                        >
                            Reload
                        </button>
                    </>
                ) : (
                    "Fetching this page…"
                )}
            </h1>
        );
    };
}
