// Preloaded: the store looks whole, and nobody can write into it, until it was put aside as the file that BAD names. With
// HOW=crash the process dies of it, else LMDB says that its pages are damaged.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <lmdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_bad(MDB_env *environment) {
    const char *path = "", *bad = getenv("BAD");
    mdb_env_get_path(environment, &path);
    const char *end = strrchr(path, '/');
    if (!end || strcmp(end, "/store.mdb") != 0 || access(bad, F_OK) == 0) return 0;
    const char *how = getenv("HOW");
    if (how && strcmp(how, "crash") == 0) raise(SIGSEGV);
    return 1;
}

int mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned int flags) {
    if (is_bad(mdb_txn_env(txn))) return MDB_CORRUPTED;
    int (*real)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *, unsigned int) = dlsym(RTLD_NEXT, "mdb_put");
    return real(txn, dbi, key, data, flags);
}

int mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *data, unsigned int flags) {
    if (is_bad(mdb_txn_env(mdb_cursor_txn(cursor)))) return MDB_CORRUPTED;
    int (*real)(MDB_cursor *, MDB_val *, MDB_val *, unsigned int) = dlsym(RTLD_NEXT, "mdb_cursor_put");
    return real(cursor, key, data, flags);
}
