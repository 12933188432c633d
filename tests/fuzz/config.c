/*
 * config.c: any bytes as a configuration file. Whatever they are, every mistake is one line with a
 * place inside the file, what was taken is within the limits of its row, and all of it can be
 * dumped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "daemon/config_lists.h"
#include "daemon/config_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_complaints(const char *text, size_t mistakes, const uint8_t *data, size_t size)
{
    size_t lines = 0, lines_of_file = 1; /* libyaml puts the end into a line of its own */
    for (size_t i = 0; i < size; i++)    /* YAML breaks lines at carriage returns and NEL, too */
        lines_of_file += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1, lines++) {
        size_t line = 0, column = 0;
        CHECK(sscanf(at, "f:%zu:%zu: ", &line, &column) == 2);
        CHECK(line >= 1 && line <= lines_of_file + 1 && column >= 1 && column <= size + 1);
        CHECK(strchr(at, '\n'));
    }
    CHECK(lines == mistakes);
}

static void check_lists(const struct config *c)
{
    for (int kind = 0; kind < CONFIG_LISTS; kind++) {
        for (size_t i = 0; i < config_list_count(c, (enum config_list_kind)kind); i++) {
            const struct config_entry *entry = &c->entries[kind][i];
            if (!entry->file)
                continue;
            CHECK(entry->line >= 1 && entry->column >= 1 && entry->pairs_count >= 1);
            for (size_t k = 0; k < entry->pairs_count; k++)
                CHECK(entry->pairs[k].line >= entry->line && entry->pairs[k].column >= 1);
        }
    }
    if (c->rules_count == 0 && c->channels_count == 2)
        return;
    struct buf dump CLEANUP(buf_fini) = BUF_INIT;
    config_dump_yaml(c, &dump);
    config_dump_json(c, &dump);
    CHECK(buf_ok(&dump));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = {0};
    struct config_loader loader = {.config = &config};
    char *text = NULL;
    size_t text_size = 0;
    config.origins = mem_array(config_rows_count, sizeof(*config.origins));
    loader.complaints = open_memstream(&text, &text_size);
    CHECK(loader.complaints);
    config_file_parse(&loader, "f", data, size);
    config_lists_finish(&loader, loader.mistakes == 0);
    fclose(loader.complaints);
    check_complaints(text, loader.mistakes, data, size);
    free(text);
    check_lists(&config);
    config_lists_fini(&config);

    for (size_t i = 0; i < config_rows_count; i++) {
        struct config_origin *origin = &config.origins[i];
        if (origin->source == CONFIG_FROM_FILE) { /* what was taken can be taken again */
            CLEANUP(buf_fini) struct buf why = BUF_INIT;
            CHECK(config_value_set(&config_rows[i], &config, &origin->texts, &why) == 0);
        }
        config_value_fini(&config_rows[i], &config);
        free(origin->name);
        config_list_fini(&origin->texts);
    }
    free(config.origins);
    return 0;
}
