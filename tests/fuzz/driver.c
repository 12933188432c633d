/*
 * driver.c: replays a corpus through a fuzz target with any compiler.
 *
 * libFuzzer brings a main() of its own, but only with clang. This one makes the same program out
 * of the same target with every compiler and under valgrind: each argument is a file or a
 * directory of files, each file is handed to the target once. An input that once broke the target
 * therefore stays an ordinary test for ever. Options of libFuzzer (-runs=0) are ignored.
 *
 * The input is copied into an allocation of exactly its size, so that a read behind its end is
 * seen by valgrind and the address sanitizer. One line of TAP per argument; single thread.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feeds one file to the target. Returns 0 or -errno. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return -errno;
    struct stat st;
    if (fstat(fileno(file), &st) != 0) {
        int error = -errno;
        fclose(file);
        return error;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size != 0 ? size : 1);
    int error = data != NULL && fread(data, 1, size, file) == size ? 0 : -EIO;
    fclose(file);
    if (error == 0)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return error;
}

/* Feeds a file, or every regular file of a directory. Returns how many, or -errno. */
static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return -errno;
    if (!S_ISDIR(st.st_mode)) {
        int error = replay_file(path);
        return error != 0 ? error : 1;
    }

    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return -errno;
    int done = 0;
    int error = 0;
    for (int i = 0; i < count; i++) {
        char *name = NULL;
        if (error == 0 && entries[i]->d_name[0] != '.') {
            if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0)
                abort();
            error = replay_file(name);
            done += error == 0;
        }
        free(name);
        free(entries[i]);
    }
    free(entries);
    return error != 0 ? error : done;
}

int main(int argc, char **argv)
{
    int number = 0;
    bool failed = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        int done = replay(argv[i]);
        if (done > 0) {
            printf("ok %d - %d inputs of %s\n", ++number, done, argv[i]);
        } else {
            /* A corpus without a single input tests nothing: that is a failure, not a pass. */
            printf("not ok %d - %s: %s\n", ++number, argv[i],
                   done == 0 ? "no inputs" : strerror(-done));
            failed = true;
        }
    }
    printf("1..%d\n", number);
    return failed || number == 0;
}
