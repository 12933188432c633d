/* alert.c: see alert.h. */
#include "model/alert.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "model/series_internal.h"

static const char *const state_names[ALERT_STATES] = {
    [ALERT_PENDING] = "pending",           [ALERT_FIRING] = "firing",
    [ALERT_ACKNOWLEDGED] = "acknowledged", [ALERT_SILENCED] = "silenced",
    [ALERT_RESOLVED] = "resolved",
};

static const char *const severity_names[ALERT_SEVERITIES] = {
    [ALERT_WARNING] = "warning",
    [ALERT_CRITICAL] = "critical",
};

static const char *const reason_names[ALERT_REASONS] = {
    [ALERT_BY_THRESHOLD] = "threshold",
    [ALERT_BY_ANOMALY] = "anomaly",
    [ALERT_BY_ABSENCE] = "absence",
};

static int name_find(const char *const *names, size_t count, const char *name, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret = i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *alert_state_name(enum alert_state state)
{
    return state_names[state];
}

int alert_state_parse(const char *name, enum alert_state *ret)
{
    size_t found;
    int err = name_find(state_names, ALERT_STATES, name, &found);
    if (!err)
        *ret = (enum alert_state)found;
    return err;
}

const char *alert_severity_name(enum alert_severity severity)
{
    return severity_names[severity];
}

int alert_severity_parse(const char *name, enum alert_severity *ret)
{
    size_t found;
    int err = name_find(severity_names, ALERT_SEVERITIES, name, &found);
    if (!err)
        *ret = (enum alert_severity)found;
    return err;
}

const char *alert_reason_name(enum alert_reason reason)
{
    return reason_names[reason];
}

int alert_reason_parse(const char *name, enum alert_reason *ret)
{
    size_t found;
    int err = name_find(reason_names, ALERT_REASONS, name, &found);
    if (!err)
        *ret = (enum alert_reason)found;
    return err;
}

/* ---- one alert --------------------------------------------------------------------------- */

static void alert_destroy(struct message *msg)
{
    struct alert *a = CONTAINER_OF(msg, struct alert, msg);
    free(a->rule);
    free(a->series);
    free(a->unit);
    free(a->summary);
    free(a->by);
    free(a);
}

struct alert *alert_new(void)
{
    struct alert *a = mem_alloc(sizeof(*a));
    message_init(&a->msg, alert_destroy);
    a->rule = mem_string("");
    a->series = mem_string("");
    a->unit = mem_string("");
    a->summary = mem_string("");
    a->by = mem_string("");
    a->value = a->threshold = a->z = NAN;
    return a;
}

_Static_assert(offsetof(struct alert, msg) == 0, "alert_copy copies what comes after it");

struct alert *alert_copy(const struct alert *a)
{
    struct alert *copy = mem_alloc(sizeof(*copy));
    /* All but the count of its references, which others change meanwhile. */
    memcpy((char *)copy + sizeof(a->msg), (const char *)a + sizeof(a->msg),
           sizeof(*a) - sizeof(a->msg));
    message_init(&copy->msg, alert_destroy);
    copy->rule = mem_string(a->rule);
    copy->series = mem_string(a->series);
    copy->unit = mem_string(a->unit);
    copy->summary = mem_string(a->summary);
    copy->by = mem_string(a->by);
    return copy;
}

struct alert *alert_ref(struct alert *a)
{
    message_ref(&a->msg);
    return a;
}

void alert_unref(struct alert *a)
{
    if (a)
        message_unref(&a->msg);
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

void alert_text(char **member, const char *text)
{
    struct buf clean = BUF_INIT;
    text_append_clean(&clean, text, ALERT_TEXT_MAX);
    char *owned = mem_string(buf_string(&clean));
    buf_fini(&clean);
    /* C1 controls are two bytes in UTF-8: 0xc2 and 0x80 to 0x9f. */
    for (char *c = owned; *c; c++) {
        if ((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] >= 0x80 &&
            (unsigned char)c[1] < 0xa0)
            c[0] = c[1] = ' ';
        else if (is_control((unsigned char)*c))
            *c = ' ';
    }
    free(*member);
    *member = owned;
}

bool alert_is_active(const struct alert *a)
{
    return a->state != ALERT_RESOLVED;
}

/* ---- sets -------------------------------------------------------------------------------- */

static void alert_set_destroy(struct message *msg)
{
    struct alert_set *set = CONTAINER_OF(msg, struct alert_set, msg);
    for (size_t i = 0; i < set->count; i++)
        alert_unref(set->alerts[i]);
    free(set);
}

struct alert_set *alert_set_new(size_t capacity)
{
    struct alert_set *set = mem_alloc(sizeof(*set) + capacity * sizeof(struct alert *));
    message_init(&set->msg, alert_set_destroy);
    return set;
}

struct alert_set *alert_set_ref(struct alert_set *set)
{
    message_ref(&set->msg);
    return set;
}

void alert_set_unref(struct alert_set *set)
{
    if (set)
        message_unref(&set->msg);
}
