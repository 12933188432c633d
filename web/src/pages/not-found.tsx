/* An address that is none of ours. */
import { usePage } from "./context";

export function NotFound() {
    const { location } = usePage();
    return (
        <>
            <h1 class="sentence">
                <strong>There is no page here.</strong>
            </h1>
            <p>
                <a href={location.href("")}>Go to the overview</a>
            </p>
        </>
    );
}
