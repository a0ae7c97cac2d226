#include "load/agent.h"

#include <stdio.h>

#define BROWSER                                                                                             \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "  \
    "Safari/537.36\r\n"                                                                                     \
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"                                                          \
    "Accept-Language: en-US,en;q=0.9\r\n"

#define BROWSER_FETCH                                                                                       \
    "Connection: keep-alive\r\n"                                                                            \
    "sec-ch-ua-platform: \"Linux\"\r\n"                                                                     \
    "sec-ch-ua: \"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"\r\n"                                        \
    "sec-ch-ua-mobile: ?0\r\n"                                                                              \
    "Accept: */*\r\n"                                                                                       \
    "Sec-Fetch-Site: same-origin\r\n"                                                                       \
    "Sec-Fetch-Mode: cors\r\n"                                                                              \
    "Sec-Fetch-Dest: empty\r\n" BROWSER

#define NODE_FETCH                                                                                          \
    "User-Agent: node-XMLHttpRequest\r\n"                                                                   \
    "Accept: */*\r\n"                                                                                       \
    "Connection: close\r\n"

static int browser_fields(char *dst, size_t room, agent_request request, const char *host)
{
    switch (request) {
    case REQUEST_GET: return snprintf(dst, room, BROWSER_FETCH "Referer: http://%s/\r\n", host);
    case REQUEST_POST:
        return snprintf(dst, room, BROWSER_FETCH "Origin: http://%s\r\nReferer: http://%s/\r\n", host, host);
    default:
        return snprintf(dst, room, BROWSER "Pragma: no-cache\r\nCache-Control: no-cache\r\nOrigin: http://%s\r\n",
                        host);
    }
}

/* Both real clients also offer compression on a WebSocket. These figures are without it. */
size_t agent_fields(char *dst, size_t room, agent_kind agent, agent_request request, const char *host)
{
    int len = 0;
    *dst = '\0';
    if (agent == AGENT_BROWSER)
        len = browser_fields(dst, room, request, host);
    else if (agent == AGENT_NODE && request != REQUEST_UPGRADE)
        len = snprintf(dst, room, NODE_FETCH);
    return (size_t)len;
}
