/*
 * link_info.c: see link_info.h. The texts are compared as they come, addresses as bytes; they are
 * written out only when one is new.
 */
#include "collect/link_info.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

#define ADDRESS_TEXT (LINK_ADDRESS_MAX * 3)

static bool address_equal(const struct link_address *a, const struct link_address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool text_equal(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* As sysfs has it: two hexadecimal digits a byte, colons between. */
static const char *address_text(const struct link_address *address, char text[ADDRESS_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *to = text;
    for (size_t i = 0; i < address->len; i++) {
        *to++ = digits[address->bytes[i] >> 4];
        *to++ = digits[address->bytes[i] & 15];
        *to++ = ':';
    }
    *(to == text ? to : to - 1) = '\0';
    return text;
}

static void link_info_ask(struct link_info *info, struct sampler *sampler,
                          const struct engine_sink *sink, const char *device)
{
    char address[ADDRESS_TEXT], broadcast[ADDRESS_TEXT];
    const struct label labels[] = {
        {"address", address_text(&info->address, address)},
        {"broadcast", address_text(&info->broadcast, broadcast)},
        {"device", device},
        {"duplex", info->duplex ? info->duplex : ""},
        {"ifalias", info->alias ? info->alias : ""},
        {"operstate", info->state ? info->state : ""},
    };
    info->series = sampler_series(sampler, sink, &catalogue_link_info, labels, ARRAY_LEN(labels));
    info->asked = true;
}

void link_info_sample(struct link_info *info, struct sampler *sampler,
                      const struct engine_sink *sink, const char *device,
                      const struct link_texts *now)
{
    if (!now->address || !now->broadcast)
        return;
    if (!info->asked || !address_equal(&info->address, now->address) ||
        !address_equal(&info->broadcast, now->broadcast) || !text_equal(info->state, now->state) ||
        !text_equal(info->duplex, now->duplex) || !text_equal(info->alias, now->alias)) {
        link_info_forget(info);
        info->address = *now->address;
        info->broadcast = *now->broadcast;
        info->state = now->state;
        info->duplex = now->duplex;
        info->alias = now->alias && now->alias[0] ? mem_string(now->alias) : NULL;
        link_info_ask(info, sampler, sink, device);
    }
    draft_gauge(sink->draft, info->series, 1);
}

void link_info_forget(struct link_info *info)
{
    series_unref(info->series);
    free(info->alias);
    *info = (struct link_info){0};
}
