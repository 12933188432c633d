/* metric.c: words for the kinds, as they appear on the wire. */
#include "model/metric.h"

const char *metric_kind_name(enum metric_kind kind)
{
    return kind == METRIC_COUNTER ? "counter" : "gauge";
}
