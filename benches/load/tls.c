#include "load/tls.h"

#include "load/fail.h"

#ifndef BENCH_TLS

const net_wire *tls_wire(void)
{
    fail("--tls: compiled without OpenSSL (Debian package: libssl-dev)");
}

#else

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *context;

static void *tls_open(int fd)
{
    SSL *session = SSL_new(context);
    if (session == NULL || SSL_set_fd(session, fd) != 1)
        fail("OpenSSL: %s", ERR_error_string(ERR_get_error(), NULL));
    SSL_set_connect_state(session);
    return session;
}

/* What recv() and send() return. EALREADY: nothing can be sent before something is received. */
static ssize_t result(SSL *session, int count, size_t done, int would_block)
{
    if (count == 1)
        return (ssize_t)done;
    switch (SSL_get_error(session, count)) {
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ: errno = would_block; return -1;
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_SYSCALL: errno = errno != 0 ? errno : ECONNRESET; return -1;
    default: errno = EPROTO; return -1;
    }
}

static ssize_t tls_recv(void *session, void *data, size_t len)
{
    size_t done = 0;
    ERR_clear_error();
    errno = 0;
    const int count = SSL_read_ex(session, data, len, &done);
    return result(session, count, done, EAGAIN);
}

static ssize_t tls_send(void *session, const void *data, size_t len)
{
    size_t done = 0;
    ERR_clear_error();
    errno = 0;
    const int count = SSL_write_ex(session, data, len, &done);
    return result(session, count, done, EALREADY);
}

static void tls_free(void *session)
{
    SSL_free(session);
}

static const net_wire WIRE = {tls_open, tls_recv, tls_send, tls_free};

const net_wire *tls_wire(void)
{
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        fail("OpenSSL: %s", ERR_error_string(ERR_get_error(), NULL));
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return &WIRE;
}

#endif
