// libuv, and its handle types made convertible: they share their first members, which Swift cannot see.
#include <uv.h>

static inline uv_handle_t *uv_shim_handle(void *handle) { return (uv_handle_t *)handle; }
static inline uv_stream_t *uv_shim_stream(void *stream) { return (uv_stream_t *)stream; }
