// libuv, and its handle types made convertible: they share their first members, which Swift cannot see.
#include <uv.h>

static inline uv_handle_t *uv_shim_handle(void *handle) { return (uv_handle_t *)handle; }
static inline uv_stream_t *uv_shim_stream(void *stream) { return (uv_stream_t *)stream; }

// Whether a socket can be bound to an address: one of a link needs to know which link.
static inline int uv_shim_is_listenable(const struct sockaddr *address) {
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
  return address->sa_family != AF_INET6 || !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) || v6->sin6_scope_id != 0;
}

// Looks up the addresses of a name for a connection, in a thread of the library.
static inline int uv_shim_look_up(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb done, const char *name) {
    struct addrinfo hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    return uv_getaddrinfo(loop, request, done, name, NULL, &hints);
}
