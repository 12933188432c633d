/*
 * past.c: what the history knows of series that are watched for anomalies, on its way to their
 * detectors: which they are, and what their hours were like. The reading is the daemon's.
 */
#include <math.h>

#include "alert/alerts_internal.h"

void alerts_each_anomaly(const struct alerts *a, void (*tell)(void *user, const struct series *s),
                         void *user)
{
    for (size_t i = 0; i < a->watchlist.rules_count; i++) {
        const struct watch_rule *r = a->watchlist.rules[i];
        for (size_t k = 0; r->rule->anomaly && k < r->count; k++)
            tell(user, r->items[k]->series);
    }
}

void alerts_learn(struct alerts *a, uint32_t series_id, const struct past_hour *hours, size_t count)
{
    static const struct past_hour none = {0, NAN,
                                          NAN}; /* begins the learning, and teaches nothing */
    bool taught = false;                        /* the bank, once for all rules */
    if (!count) {
        hours = &none;
        count = 1;
    }
    for (size_t i = 0; i < a->watchlist.rules_count; i++) {
        const struct watch_rule *r = a->watchlist.rules[i];
        for (size_t k = 0; r->rule->anomaly && k < r->count; k++) {
            struct watched *w = r->items[k];
            if (w->series->id != series_id || (taught && !w->detector))
                continue;
            taught |= !w->detector;
            for (size_t h = 0; h < count; h++) {
                if (w->detector)
                    detector_learn_hour(w->detector, hours[h].t_ms, hours[h].mean, hours[h].sigma);
                else
                    bank_learn_hour(a->bank, w->slot, hours[h].t_ms, hours[h].mean, hours[h].sigma);
            }
        }
    }
}
