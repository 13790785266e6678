/* The server's own parts: see server.h. */
#ifndef WEIR_TESTS_SUPPORT_SERVER_INTERN_H
#define WEIR_TESTS_SUPPORT_SERVER_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* TLS for one server: a key and a certificate made anew, wrapped so that only server_tls.c sees OpenSSL. */
struct server_tls;
struct server_tls *server_tls_new(
    const char *ca_path); /* aborts on failure; writes the certificate there */
void server_tls_free(struct server_tls *tls);

/* A session on an accepted socket; NULL when the client did not like us. */
struct server_tls_session;
struct server_tls_session *server_tls_accept(struct server_tls *tls, int fd);
ssize_t server_tls_read(struct server_tls_session *session, void *bytes, size_t n);
bool server_tls_write(struct server_tls_session *session, const void *bytes, size_t n);
void server_tls_end(struct server_tls_session *session);

#endif
