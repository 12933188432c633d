/* The columns of the connections' table. */
import type { TableColumn } from "../widgets/table-rows";
import {
    momentColumn,
    numberColumn,
    plainNumber,
    stateColumn,
    textColumn,
    type Writing,
} from "./table-columns";

export function connectionColumns(w: Writing): TableColumn[] {
    return [
        textColumn({ name: "process", title: "Process", width: 128, grow: 2, priority: 0, card: "title" }),
        plainNumber({ name: "pid", title: "PID", width: 72, priority: 7 }),
        textColumn({ name: "remote", title: "Remote", width: 168, grow: 4, priority: 0, card: "sub" }),
        textColumn({ name: "remote_name", title: "Name", width: 112, grow: 2, priority: 8 }, true),
        textColumn({ name: "local", title: "Local", width: 152, grow: 3, priority: 5 }, true),
        textColumn({ name: "protocol", title: "Protocol", width: 72, priority: 6 }, true),
        stateColumn({ name: "state", title: "State", width: 104, priority: 2, card: "state" }),
        textColumn({ name: "direction", title: "Opened by", width: 84, priority: 9 }, true),
        numberColumn({ name: "rx_rate", title: "Receive", width: 104, priority: 0, card: "rx" }, "bytes/s", w, "receive"),
        numberColumn({ name: "tx_rate", title: "Transmit", width: 104, priority: 0, card: "tx" }, "bytes/s", w, "transmit"),
        numberColumn({ name: "rtt_ms", title: "Round trip", width: 92, priority: 3 }, "seconds", w, "", 1e-3),
        numberColumn({ name: "retransmits", title: "Resent", width: 76, priority: 4 }, "count", w),
        numberColumn({ name: "rx_bytes", title: "Received", width: 92, priority: 6 }, "bytes", w),
        numberColumn({ name: "tx_bytes", title: "Sent", width: 92, priority: 6 }, "bytes", w),
        textColumn({ name: "unit", title: "Unit", width: 120, grow: 1, priority: 10 }, true),
        momentColumn({ name: "opened", title: "Opened", width: 92, priority: 8 }, w),
        textColumn({ name: "method", title: "Measured by", width: 104, priority: 11 }, true),
    ];
}
