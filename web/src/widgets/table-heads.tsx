/* The heads of a table. The roles are named because tables that are laid out otherwise lose them. */
import type { ComponentChild } from "preact";

export function TableHeads({ heads }: { heads: readonly ComponentChild[] }) {
    return (
        <thead role="rowgroup">
            <tr role="row">
                {heads.map((head, i) => (
                    <th key={i} role="columnheader" scope="col">
                        {head}
                    </th>
                ))}
            </tr>
        </thead>
    );
}
