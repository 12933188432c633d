/*
 * ledger.c: an array of entries and a hash table of indexes into it. Ids are small and dense, so a
 * multiplicative hash spreads them well; the table is at most half full. See ledger.h.
 */
#include "store/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

void ledger_fini(struct ledger *l)
{
    free(l->entries);
    free(l->table);
    *l = (struct ledger){0};
}

static uint32_t first_place(const struct ledger *l, uint32_t id)
{
    return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (l->table_size - 1);
}

/* Where the id is, or the free place where it belongs. */
static uint32_t find_place(const struct ledger *l, uint32_t id)
{
    uint32_t at = first_place(l, id);
    while (l->table[at] != LEDGER_NONE && l->entries[l->table[at]].id != id)
        at = (at + 1) & (l->table_size - 1);
    return at;
}

uint32_t ledger_find(const struct ledger *l, uint32_t id)
{
    return l->table_size ? l->table[find_place(l, id)] : LEDGER_NONE;
}

static void grow(struct ledger *l)
{
    l->capacity = MAX(l->capacity * 2, 256U);
    l->entries = mem_resize(l->entries, l->capacity, sizeof(*l->entries));
    free(l->table);
    l->table_size = l->capacity * 2;
    CHECK(l->table_size > l->capacity);
    l->table = mem_array(l->table_size, sizeof(*l->table));
    memset(l->table, 0xff, l->table_size * sizeof(*l->table));
    for (uint32_t i = 0; i < l->count; i++)
        l->table[find_place(l, l->entries[i].id)] = i;
}

uint32_t ledger_add(struct ledger *l, uint32_t id)
{
    uint32_t index = ledger_find(l, id);
    if (index != LEDGER_NONE)
        return index;
    if (l->count == l->capacity)
        grow(l);
    l->entries[l->count] = (struct ledger_entry){.id = id, .column = LEDGER_NONE};
    l->table[find_place(l, id)] = l->count;
    return l->count++;
}
