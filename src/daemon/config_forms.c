/* config_forms.c: what texts of the table must look like. */
#include <string.h>

#include "base/text.h"
#include "daemon/config_table.h"
#include "http/forwarded.h"
#include "net/address.h"

static bool is_path(const char *text)
{
    return *text != '\0';
}

static bool is_any_path(const char *text)
{
    return strlen(text) < 4096; /* PATH_MAX */
}

static bool is_optional_path(const char *text)
{
    return !*text || *text == '/';
}

static bool is_glob(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 64 && text_utf8_valid(text, len) == len;
}

/* HOST:PORT, [IPv6]:PORT or :PORT. Whether the host exists is seen when it is bound. */
static bool is_listen(const char *text)
{
    static const char host_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789.-_";
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || text_u64(colon + 1, &port) || port > UINT16_MAX || strlen(colon + 1) > 5)
        return false;
    size_t len = (size_t)(colon - text);
    if (text[0] != '[')
        return len <= 253 && strspn(text, host_chars) == len;
    char host[NET_ADDRESS_TEXT_MAX];
    struct net_address address;
    if (len < 2 || text[len - 1] != ']' || len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    return net_address_parse_ip(host, &address);
}

static bool is_device(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len < 16 && !strpbrk(text, "/ \t\n");
}

static bool is_filter(const char *text)
{
    return strlen(text) <= 1024;
}

static bool is_base_path(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._~-/";
    return text[0] == '/' && !strstr(text, "//") && !strstr(text, "/.") &&
           strspn(text, allowed) == strlen(text) && strlen(text) <= 256;
}

static bool is_ip(const char *text)
{
    struct net_address address;
    return text[0] != '[' && net_address_parse_ip(text, &address);
}

static bool is_range(const char *text)
{
    struct address_range range;
    return address_range_parse(text, &range);
}

static bool is_host(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_";
    size_t len = strlen(text);
    return is_ip(text) || (len >= 1 && len <= 253 && strspn(text, allowed) == len);
}

static bool is_origin(const char *text)
{
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    const char *host = text + scheme;
    if (!scheme || !*host)
        return false;
    /* With a port it has the form of a listener, without one that of a host. */
    const char *colon = host[0] == '[' ? strstr(host, "]:") : strchr(host, ':');
    if (colon)
        return host[0] != ':' && is_listen(host);
    struct net_address address;
    return host[0] == '[' ? net_address_parse_ip(host, &address) : is_host(host);
}

const struct config_form config_form_name = {
    "a name of 1 to 64 letters, digits, dots, dashes and underscores", text_is_name};
const struct config_form config_form_path = {"a path", is_path};
const struct config_form config_form_any_path = {"a path, or nothing", is_any_path};
const struct config_form config_form_optional_path = {"a path from the root, or nothing",
                                                      is_optional_path};
const struct config_form config_form_glob = {"a name of 1 to 64 bytes, in which *, ? and [a-z] are "
                                             "wildcards",
                                             is_glob};
const struct config_form config_form_listen = {"HOST:PORT, [IPv6]:PORT or :PORT", is_listen};
const struct config_form config_form_device = {"the name of a network device", is_device};
const struct config_form config_form_filter = {"at most 1024 bytes", is_filter};
const struct config_form config_form_base_path = {
    "a path that begins with / and holds letters, digits, / . _ ~ and -", is_base_path};
const struct config_form config_form_range = {"an IP address, or a range such as 10.1.0.0/16",
                                              is_range};
const struct config_form config_form_host = {"a host name or an IP address, without a port",
                                             is_host};
const struct config_form config_form_origin = {"http://HOST or https://HOST, with :PORT when it is "
                                               "not the scheme's own",
                                               is_origin};
