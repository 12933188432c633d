/*
 * The login page. A secret in the fragment (netsonde token new --login) is taken out of the address
 * before anything else happens, and used; a fragment is never sent to a server. What is typed is
 * forgotten as soon as it was sent.
 */
import { basePathOf } from "../link/base-path";
import { logIn, takePage } from "../link/login";
import "./style/login.css";

const base = basePathOf(import.meta.url);
const form = document.getElementById("form") as HTMLFormElement;
const input = document.getElementById("token") as HTMLInputElement;
const button = document.getElementById("enter") as HTMLButtonElement;
const said = document.getElementById("said")!;

async function enter(token: string): Promise<void> {
    said.textContent = "";
    button.disabled = true;
    const answer = await logIn(base, token);
    if (answer.ok) {
        window.location.replace(takePage(window.sessionStorage, base));
        return;
    }
    button.disabled = false;
    said.textContent = answer.error;
    input.focus();
}

form.addEventListener("submit", (e) => {
    e.preventDefault();
    const token = input.value.trim();
    input.value = "";
    if (token !== "") void enter(token);
});

/* Also when somebody follows such a link while this page is open. */
function takeFragment(): void {
    const secret = window.location.hash.slice(1);
    if (secret === "") return;
    window.history.replaceState(null, "", window.location.pathname);
    void enter(secret);
}

window.addEventListener("hashchange", takeFragment);
takeFragment();
if (document.activeElement === document.body) input.focus();
