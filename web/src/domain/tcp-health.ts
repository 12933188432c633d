/* The sentence at the head of the page of TCP's health, and the figures below it. */
import { digits, quantity, text } from "./units";

export interface TcpFacts {
    sent: number; // segments in the window; 0 when nothing is known
    again: number;
    rttMs: number; // median and 99th of a hundred; NaN when nothing was measured
    rttHighMs: number;
    unmeasured: string; // why there is no round trip; "" when there is
    lost: number; // packets, inside this host
    worst: string; // where most of them
    notTaken: number; // connections, by full listen queues
}

export interface TcpVerdict {
    level: "good" | "warning" | "unknown";
    lead: string;
    rest: string;
}

/* Losing one packet in fifty is felt; of few segments a share says nothing (as in verdict.ts). */
const AGAIN_SHARE = 0.02;
const SENT_LEAST = 1000;

export function tcpVerdict(f: TcpFacts, span: string): TcpVerdict {
    const share = f.sent > 0 ? f.again / f.sent : 0;
    const trip = Number.isNaN(f.rttMs)
        ? f.unmeasured
        : `Round trips take ${seconds(f.rttMs)} in the median, one of a hundred ${seconds(f.rttHighMs)}.`;
    if (f.notTaken >= 1)
        return {
            level: "warning",
            lead: "A program takes its connections too slowly.",
            rest: `${count(f.notTaken)} were not taken because a listen queue was full ${span}. ${trip}`,
        };
    if (f.sent >= SENT_LEAST && share >= AGAIN_SHARE)
        return {
            level: "warning",
            lead: "The way to some peers loses packets.",
            rest: `${digits(share * 100)} % of the segments were sent again ${span}. ${trip}`,
        };
    if (f.lost >= 1)
        return {
            level: "warning",
            lead: "This host threw packets away.",
            rest: `${count(f.lost)} ${span}, most at the ${f.worst}. ${trip}`,
        };
    if (f.sent === 0)
        return { level: "unknown", lead: "No segment was sent in this window.", rest: trip };
    return {
        level: "good",
        lead: "TCP is well.",
        rest: `${digits(share * 100)} % of the segments were sent again ${span}. ${trip}`,
    };
}

function seconds(ms: number): string {
    return text(quantity(ms / 1000, "seconds", "bits"));
}

function count(n: number): string {
    return text(quantity(Math.round(n), "count", "bits"));
}
