#include <arpa/inet.h>
#include <mbedtls/base64.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_internal.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <string.h>

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

// The two buffers are most of what a connection takes, and are needed only while a record is under way. The library does not
// ask for them back in between, so they are put below its pointers, and taken away, here.

static inline size_t tls_shim_in_count(void) { return MBEDTLS_SSL_IN_BUFFER_LEN; }
static inline size_t tls_shim_out_count(void) { return MBEDTLS_SSL_OUT_BUFFER_LEN; }

// What is left of the buffers of a connection that has none: where they were, and the count of records that came in.
struct tls_shim_rest {
  unsigned char *in;
  unsigned char *out;
  unsigned char count[8];
};

// Whether nothing lies in the buffers that is needed again.
static inline int tls_shim_can_rest(const mbedtls_ssl_context *ssl) {
  return ssl->state == MBEDTLS_SSL_HANDSHAKE_OVER && ssl->handshake == NULL && ssl->in_left == 0 && ssl->out_left == 0 &&
         mbedtls_ssl_check_pending(ssl) == 0;
}

static inline void tls_shim_take_buffers(mbedtls_ssl_context *ssl, struct tls_shim_rest *rest) {
  rest->in = ssl->in_buf;
  rest->out = ssl->out_buf;
  memcpy(rest->count, ssl->in_ctr, sizeof rest->count);
  ssl->in_buf = NULL;
  ssl->out_buf = NULL;
}

static inline void tls_shim_give_buffers(mbedtls_ssl_context *ssl, const struct tls_shim_rest *rest, unsigned char *in,
                                         unsigned char *out) {
  ssl->in_buf = in;
  ssl->in_ctr = in + (ssl->in_ctr - rest->in);
  ssl->in_hdr = in + (ssl->in_hdr - rest->in);
  ssl->in_len = in + (ssl->in_len - rest->in);
  ssl->in_iv = in + (ssl->in_iv - rest->in);
  ssl->in_msg = in + (ssl->in_msg - rest->in);
  memcpy(ssl->in_ctr, rest->count, sizeof rest->count);
  ssl->out_buf = out;
  ssl->out_ctr = out + (ssl->out_ctr - rest->out);
  ssl->out_hdr = out + (ssl->out_hdr - rest->out);
  ssl->out_len = out + (ssl->out_len - rest->out);
  ssl->out_iv = out + (ssl->out_iv - rest->out);
  ssl->out_msg = out + (ssl->out_msg - rest->out);
}

// Gives back what the library took itself.
static inline void tls_shim_free_buffers(const struct tls_shim_rest *rest) {
  mbedtls_free(rest->in);
  mbedtls_free(rest->out);
}

// The octets of a numeric address; how many, 0 when the text is none.
static inline int tls_shim_address(const char *text, unsigned char *octets) {
  return inet_pton(AF_INET, text, octets) == 1 ? 4 : inet_pton(AF_INET6, text, octets) == 1 ? 16 : 0;
}

// Tells the server by which name we know it; addresses are not told so. 0, or the library's code.
static inline int tls_shim_name_server(mbedtls_ssl_context *ssl, const char *host) {
  unsigned char octets[16];
  return tls_shim_address(host, octets) ? 0 : mbedtls_ssl_set_hostname(ssl, host);
}

// Whether a certificate names an address: 1 or 0; -1 when the text is none.
static inline int tls_shim_names_address(const mbedtls_x509_crt *certificate, const char *text) {
  unsigned char octets[16];
  size_t count = tls_shim_address(text, octets);
  if (count == 0) return -1;
  for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name && name->buf.p; name = name->next)
    if (name->buf.tag == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7) && name->buf.len == count && !memcmp(name->buf.p, octets, count))
      return 1;
  return 0;
}

// A certificate that signs itself, or a request for one, for names in DER; PEM, with a zero at its end. What makes
// one is a long list of settings, and each can fail. 0, or the library's code.
static inline int tls_shim_write_certificate(mbedtls_pk_context *key, const char *subject, const unsigned char *names,
                                             size_t count, const unsigned char *serial, unsigned char *text, size_t size,
                                             int (*random)(void *, unsigned char *, size_t)) {
  // Dates are fixed: a device may not know what day it is when it makes one, and nobody comes to change it.
  static const char from[] = "20250101000000", to[] = "20491231235959";
  static const unsigned char servers[] = {0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
  mbedtls_x509write_cert made;
  mbedtls_mpi number;
  mbedtls_x509write_crt_init(&made);
  mbedtls_mpi_init(&number);
  mbedtls_x509write_crt_set_version(&made, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&made, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&made, key);
  mbedtls_x509write_crt_set_issuer_key(&made, key);
  int code = mbedtls_mpi_read_binary(&number, serial, 16);
  if (!code) code = mbedtls_x509write_crt_set_serial(&made, &number);
  if (!code) code = mbedtls_x509write_crt_set_subject_name(&made, subject);
  if (!code) code = mbedtls_x509write_crt_set_issuer_name(&made, subject);
  if (!code) code = mbedtls_x509write_crt_set_validity(&made, from, to);
  if (!code) code = mbedtls_x509write_crt_set_basic_constraints(&made, 0, -1);
  if (!code) code = mbedtls_x509write_crt_set_key_usage(&made, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
  if (!code)
    code = mbedtls_x509write_crt_set_extension(&made, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0, servers, sizeof servers);
  if (!code)
    code = mbedtls_x509write_crt_set_extension(&made, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, names, count);
  if (!code) code = mbedtls_x509write_crt_pem(&made, text, size, random, NULL);
  mbedtls_mpi_free(&number);
  mbedtls_x509write_crt_free(&made);
  return code;
}

static inline int tls_shim_write_request(mbedtls_pk_context *key, const char *subject, const unsigned char *names,
                                         size_t count, unsigned char *text, size_t size,
                                         int (*random)(void *, unsigned char *, size_t)) {
  mbedtls_x509write_csr made;
  mbedtls_x509write_csr_init(&made);
  mbedtls_x509write_csr_set_md_alg(&made, MBEDTLS_MD_SHA256);
  mbedtls_x509write_csr_set_key(&made, key);
  int code = mbedtls_x509write_csr_set_subject_name(&made, subject);
  if (!code)
    code = mbedtls_x509write_csr_set_extension(&made, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), names, count);
  if (!code) code = mbedtls_x509write_csr_pem(&made, text, size, random, NULL);
  mbedtls_x509write_csr_free(&made);
  return code;
}

// The names and addresses that a certificate is for, with spaces between them; how many octets.
static inline int tls_shim_names(const mbedtls_x509_crt *certificate, char *text, size_t size) {
  size_t count = 0;
  for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name && name->buf.p; name = name->next) {
    char address[INET6_ADDRSTRLEN];
    const char *word = (const char *)name->buf.p;
    size_t length = name->buf.len;
    if (name->buf.tag == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7)) {
      if (length != 4 && length != 16) continue;
      word = inet_ntop(length == 4 ? AF_INET : AF_INET6, name->buf.p, address, sizeof address);
      length = strlen(word);
    } else if (name->buf.tag != (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2)) {
      continue;
    }
    if (count + length + 1 >= size) break;
    if (count) text[count++] = ' ';
    memcpy(text + count, word, length);
    count += length;
  }
  return (int)count;
}

// Whether a certificate may be that of a server: it says so, or nothing.
static inline int tls_shim_may_serve(const mbedtls_x509_crt *certificate) {
  return mbedtls_x509_crt_check_key_usage(certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) == 0 &&
         mbedtls_x509_crt_check_extended_key_usage(certificate, MBEDTLS_OID_SERVER_AUTH,
                                                   MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0;
}

// Whether a certificate and those that prove it fit into the one record that they go out in.
static inline int tls_shim_fits(const mbedtls_x509_crt *certificate) {
  size_t count = 7;
  for (; certificate; certificate = certificate->next) count += certificate->raw.len + 3;
  return count <= MBEDTLS_SSL_OUT_CONTENT_LEN;
}
