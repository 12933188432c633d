/*
 * cmd_token.c: `netsonde token`: who may ask the daemon.
 *
 *   netsonde token new [--role viewer|admin] [--login] [--expires DUR] [--note TEXT]
 *   netsonde token list [--json]
 *   netsonde token revoke ID
 *
 * Works on the file in the data directory, whether the daemon runs or not; a daemon that runs is
 * told by SIGHUP. The token itself is written to standard output once and kept nowhere; a one-time
 * login goes to a terminal only, because what is written to a file or a log lives longer than ten
 * minutes.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/secret.h"
#include "http/token_file.h"
#include "net/address.h"
#include "wire/json.h"

#define LOGIN_MS (10 * 60 * MS_PER_S)
#define EXPIRES_MAX_MS (10LL * 365 * 24 * 3600 * MS_PER_S)

static int usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde token: %s%s%s; see netsonde help token\n", message, value ? ": " : "",
            value ? value : "");
    return EXIT_USAGE;
}

static int failed(const char *why)
{
    fprintf(stderr, "netsonde token: %s\n", why);
    return EXIT_FAILURE;
}

/* ---- telling the daemon ------------------------------------------------------------------ */

/* The pid in the lock is the daemon's only while the lock is held, and only if the process of that
 * number is one of ours: in another container it may be anything. 0: no daemon runs. */
static pid_t daemon_pid(const char *data_dir)
{
    char text[32] = "", name[64], comm[32] = "";
    uint64_t pid = 0;
    char *path CLEANUP(mem_freep) = mem_printf("%s/lock", data_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return 0;
    bool held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    ssize_t len = held ? pread(fd, text, sizeof(text) - 1, 0) : 0;
    close(fd);
    if (!held)
        return 0;
    text[len > 0 ? strcspn(text, "\n") : 0] = '\0';
    if (text_u64(text, &pid) < 0 || pid <= 1 || pid > INT32_MAX)
        return -1;
    snprintf(name, sizeof(name), "/proc/%d/comm", (int)pid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    len = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);
    if (fd >= 0)
        close(fd);
    comm[len > 0 ? strcspn(comm, "\n") : 0] = '\0';
    return strcmp(comm, "netsonde") == 0 ? (pid_t)pid : -1;
}

static void tell_daemon(const char *data_dir)
{
    pid_t pid = daemon_pid(data_dir);
    if (pid == 0 || (pid > 0 && kill(pid, SIGHUP) == 0))
        return;
    fprintf(stderr,
            "netsonde token: the running daemon could not be told; send it SIGHUP, or the change "
            "waits for its next start\n");
}

/* ---- new --------------------------------------------------------------------------------- */

static int add(void *user, struct token *items, size_t *count)
{
    struct token *t = user;
    for (;;) {
        size_t i = 0;
        if (secret_id(t->id, TOKEN_ID_LEN / 2) < 0)
            return -EIO;
        while (i < *count && strcmp(items[i].id, t->id) != 0)
            i++;
        if (i == *count)
            break;
    }
    items[(*count)++] = *t;
    return 0;
}

static int read_new(const struct options *options, struct token *t)
{
    const char *role = options->token.role;
    int64_t lifetime_ms = 0;
    t->role = role && strcmp(role, "admin") == 0 ? ACCESS_ADMIN : ACCESS_VIEWER;
    if (role && strcmp(role, access_role_name(t->role)) != 0)
        return usage("--role takes viewer or admin", role);
    if (options->token.expires && (text_duration_ms(options->token.expires, &lifetime_ms) < 0 ||
                                   lifetime_ms <= 0 || lifetime_ms > EXPIRES_MAX_MS))
        return usage("--expires takes a time such as 90d, at most 10 years",
                     options->token.expires);
    if (options->token.note && !token_note_ok(options->token.note))
        return usage("--note takes at most 128 bytes of text on one line", NULL);
    if (options->token.login && lifetime_ms)
        return usage("--login is good for ten minutes; it takes no --expires", NULL);
    t->kind = options->token.login ? TOKEN_LOGIN : TOKEN_KEY;
    t->created_ms = clock_wall_ms();
    t->expires_ms = t->kind == TOKEN_LOGIN ? t->created_ms + LOGIN_MS
                    : lifetime_ms          ? t->created_ms + lifetime_ms
                                           : INT64_MAX;
    snprintf(t->note, sizeof(t->note), "%s", options->token.note ? options->token.note : "");
    return 0;
}

/* As the daemon would make it at its start. */
static int make_directory(const char *path)
{
    char *partial CLEANUP(mem_freep) = mem_string(path);
    for (char *at = partial + 1;; at++) {
        bool last = !*at;
        if (!last && *at != '/')
            continue;
        *at = '\0';
        if (mkdir(partial, last ? 0700 : 0755) < 0 && errno != EEXIST) {
            fprintf(stderr, "netsonde token: cannot make the data directory %s: %s\n", partial,
                    strerror(errno));
            return EXIT_FAILURE;
        }
        if (last)
            return EXIT_SUCCESS;
        *at = '/';
    }
}

/* HOST:PORT under which the daemon is reached: a name that was allowed, else that of a listener. */
static void print_address(const struct config *config)
{
    const struct config_list *names = &config->serve.allowed_hosts;
    const char *base = config->serve.base_path;
    const char *scheme = *config->serve.tls_cert ? "https" : "http";
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    if (names->count) { /* a proxy's, and proxies speak TLS */
        printf("https://%s%.*s", names->items[0], (int)len, base);
        return;
    }
    const char *listen = config->serve.listen.count ? config->serve.listen.items[0] : "";
    const char *port = strrchr(listen, ':');
    char host[256] = "localhost";
    int host_len = port ? (int)(port - listen) : 0;
    struct net_address address;
    char *name CLEANUP(mem_freep) = mem_string_n(listen, (size_t)host_len);
    bool any = !host_len || (net_address_parse_ip(name, &address) && net_address_is_any(&address));
    if (any && gethostname(host, sizeof(host) - 1) == 0)
        printf("%s://%s%s%.*s", scheme, host, port ? port : "", (int)len, base);
    else
        printf("%s://%s%s%.*s", scheme, host_len ? name : host, port ? port : "", (int)len, base);
}

static void print_new(const struct config *config, const struct token *t, const char *secret)
{
    if (t->kind == TOKEN_LOGIN) {
        print_address(config);
        printf("/login#%s\n", secret);
        fprintf(stderr,
                "Login %s, as %s: works once, within ten minutes. The browser that opens "
                "it stays logged in for 30 days,\nor until: netsonde token revoke %s\n",
                t->id, access_role_name(t->role), t->id);
    } else {
        printf("%s\n", secret);
        fprintf(stderr,
                "Token %s, as %s. It is shown only now: keep it. Use it as "
                "\"Authorization: Bearer TOKEN\", or on the\nlogin page. To take it away: "
                "netsonde token revoke %s\n",
                t->id, access_role_name(t->role), t->id);
    }
}

static int token_new(const struct config *config, const struct options *options)
{
    struct token t = {0};
    char secret[SECRET_TEXT_MAX], why[512];
    int code = read_new(options, &t);
    if (code)
        return code;
    if (t.kind == TOKEN_LOGIN && !isatty(STDOUT_FILENO))
        return failed("--login writes a secret address, to a terminal only; standard output is "
                      "none");
    const char *prefix = t.kind == TOKEN_LOGIN ? SECRET_LOGIN : SECRET_TOKEN;
    if (secret_new(prefix, secret) < 0 || !secret_digest(prefix, secret, t.digest))
        return failed("the system has no random bytes now");
    code = make_directory(config->data_dir);
    if (code)
        return code;
    int err = token_file_update(config->data_dir, add, &t, why, sizeof(why));
    if (!err) {
        tell_daemon(config->data_dir);
        print_new(config, &t, secret);
    }
    explicit_bzero(secret, sizeof(secret));
    if (err)
        return failed(*why ? why : strerror(-err));
    if (fflush(stdout) != 0 || ferror(stdout))
        return failed("the token cannot be written; revoke it and make another");
    return EXIT_SUCCESS;
}

/* ---- list -------------------------------------------------------------------------------- */

static void print_date(int64_t ms)
{
    char text[32];
    time_t seconds = (time_t)(ms / MS_PER_S);
    struct tm utc;
    if (ms == INT64_MAX || !gmtime_r(&seconds, &utc)) {
        printf("%-20s  ", "never");
        return;
    }
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    printf("%-20s  ", text);
}

static void list_text(const struct tokens *tokens, int64_t now_ms)
{
    if (!tokens_count(tokens)) {
        printf("no tokens\n");
        return;
    }
    printf("%-8s  %-7s  %-6s  %-20s  %-20s  %s\n", "ID", "KIND", "ROLE", "CREATED", "EXPIRES",
           "NOTE");
    for (size_t i = 0; i < tokens_count(tokens); i++) {
        const struct token *t = tokens_at(tokens, i);
        printf("%-8s  %-7s  %-6s  ", t->id, token_kind_name(t->kind), access_role_name(t->role));
        print_date(t->created_ms);
        print_date(t->expires_ms);
        printf("%s%s\n", t->expires_ms <= now_ms ? "(expired) " : "", t->note);
    }
}

static void list_json(const struct tokens *tokens)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    json_open(&out, '[');
    for (size_t i = 0; i < tokens_count(tokens); i++) {
        const struct token *t = tokens_at(tokens, i);
        json_open(&out, '{');
        json_put_key(&out, "id");
        json_put_string(&out, t->id);
        json_put_key(&out, "kind");
        json_put_string(&out, token_kind_name(t->kind));
        json_put_key(&out, "role");
        json_put_string(&out, access_role_name(t->role));
        json_put_key(&out, "created");
        json_put_i64(&out, t->created_ms);
        json_put_key(&out, "expires");
        if (t->expires_ms == INT64_MAX)
            json_put_null(&out);
        else
            json_put_i64(&out, t->expires_ms);
        json_put_key(&out, "note");
        json_put_string(&out, t->note);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    printf("%s\n", buf_string(&out));
}

static int token_list(const struct config *config, const struct options *options)
{
    struct tokens *tokens = NULL;
    char why[512];
    int err = token_file_load(config->data_dir, &tokens, why, sizeof(why));
    if (err == -ENOENT) /* there is no directory either */
        tokens = tokens_new(NULL, 0);
    else if (err)
        return failed(why);
    if (options->json)
        list_json(tokens);
    else
        list_text(tokens, clock_wall_ms());
    tokens_unref(tokens);
    return fflush(stdout) != 0 || ferror(stdout) ? failed("the list cannot be written")
                                                 : EXIT_SUCCESS;
}

/* ---- revoke ------------------------------------------------------------------------------ */

static int take_away(void *user, struct token *items, size_t *count)
{
    const char *id = user;
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(items[i].id, id) != 0)
            continue;
        memmove(&items[i], &items[i + 1], (--*count - i) * sizeof(*items));
        return 0;
    }
    return -ENOENT;
}

static int token_revoke(const struct config *config, const struct options *options)
{
    char why[512];
    const char *id = options->arguments[1];
    if (!id)
        return usage("revoke needs the ID of a token, see netsonde token list", NULL);
    int err = token_file_update(config->data_dir, take_away, (void *)id, why, sizeof(why));
    if (err == -ENOENT && !*why) {
        /* A token shown by mistake instead of its id is not repeated on a screen that is kept. */
        fprintf(stderr, "netsonde token: there is no token of this ID; see netsonde token list\n");
        return EXIT_FAILURE;
    }
    if (err)
        return failed(*why ? why : strerror(-err));
    tell_daemon(config->data_dir);
    return EXIT_SUCCESS;
}

int cmd_token(const struct config *config, const struct options *options)
{
    const char *action = options->arguments[0];
    const struct {
        const char *name;
        int (*run)(const struct config *config, const struct options *options);
    } actions[] = {{"new", token_new}, {"list", token_list}, {"revoke", token_revoke}};
    bool has_new_options = options->token.role || options->token.expires || options->token.note ||
                           options->token.login;
    if (!action)
        return usage("say what to do: new, list or revoke", NULL);
    if (strcmp(action, "new") != 0 && has_new_options)
        return usage("--role, --login, --expires and --note go with new", NULL);
    if (strcmp(action, "list") != 0 && options->json)
        return usage("--json goes with list", NULL);
    if (strcmp(action, "revoke") != 0 && options->arguments[1])
        return usage("one word too many", options->arguments[1]);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, action) == 0)
            return actions[i].run(config, options);
    }
    return usage("there is no such action (new, list, revoke)", action);
}
