/* tls.h -- TLS on all connections of a bench_net, by OpenSSL. */
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include "load/net.h"

/* For bench_net.wire. Certificates are not checked, and no session is resumed. Ends the program
 * if it was compiled without OpenSSL. */
const net_wire *tls_wire(void);

#endif
