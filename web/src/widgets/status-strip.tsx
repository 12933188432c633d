/*
 * What is wrong, in plain words: what happened, what still works, what to do. It lies over the foot
 * of the page, so that nothing moves when it comes.
 */
import { WarningMark } from "./marks";

export interface StripMessage {
    key: string;
    text: string;
    actions: { name: string; run(): void }[];
}

export function StatusStrip({ messages }: { messages: readonly StripMessage[] }) {
    return (
        <div class="strip" role="status">
            {messages.map((m) => (
                <div class="strip-message" key={m.key} data-problem={m.key}>
                    <WarningMark />
                    <p>{m.text}</p>
                    {m.actions.map((a) => (
                        <button key={a.name} type="button" class="button" onClick={() => a.run()}>
                            {a.name}
                        </button>
                    ))}
                </div>
            ))}
        </div>
    );
}
