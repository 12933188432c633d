/*
 * ledger.c: an array of entries and a hash table of indexes into it. Ids are small and dense, so a
 * multiplicative hash spreads them well; the table is at most half full, and removing leaves no
 * mark in it: followers are pulled back. Free entries make a chain. See ledger.h.
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
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->entries[i].id)
            l->table[find_place(l, l->entries[i].id)] = i;
    }
}

uint32_t ledger_add(struct ledger *l, uint32_t id)
{
    uint32_t index = ledger_find(l, id);
    if (index != LEDGER_NONE)
        return index;
    if (l->free_first) {
        index = l->free_first - 1;
        l->free_first = (uint32_t)l->entries[index].absolute;
    } else {
        if (l->count == l->capacity)
            grow(l);
        index = l->count++;
    }
    l->entries[index] = (struct ledger_entry){.id = id, .column = LEDGER_NONE};
    l->table[find_place(l, id)] = index;
    l->used++;
    return index;
}

void ledger_remove(struct ledger *l, uint32_t id)
{
    uint32_t index = ledger_find(l, id);
    if (index == LEDGER_NONE)
        return;
    uint32_t mask = l->table_size - 1, hole = find_place(l, id);
    for (uint32_t at = (hole + 1) & mask; l->table[at] != LEDGER_NONE; at = (at + 1) & mask) {
        uint32_t home = first_place(l, l->entries[l->table[at]].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            l->table[hole] = l->table[at];
            hole = at;
        }
    }
    l->table[hole] = LEDGER_NONE;
    l->entries[index] = (struct ledger_entry){.absolute = l->free_first, .column = LEDGER_NONE};
    l->free_first = index + 1;
    l->used--;
}
