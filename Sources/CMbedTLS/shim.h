#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>

// Where the library was compiled for it, as on boards, all that TLS takes lies in this memory from now on; 0 when it is so.
static inline int tls_shim_lend(unsigned char *memory, size_t count) {
#ifdef MBEDTLS_MEMORY_BUFFER_ALLOC_C
  mbedtls_memory_buffer_alloc_init(memory, count);
  return 0;
#else
  (void)memory;
  (void)count;
  return -1;
#endif
}
