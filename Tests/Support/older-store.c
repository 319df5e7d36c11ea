// older-store STORE [SCHEMA]: makes a store one of schema 4, whose values have no seals behind them, or of another number.
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEAL = 4 };

static void check(int code) {
    if (code == 0) return;
    fprintf(stderr, "older-store: %s\n", mdb_strerror(code));
    exit(1);
}

int main(int count, char **words) {
    if (count < 2) return 64;
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi database;
    MDB_cursor *cursor;
    check(mdb_env_create(&environment));
    check(mdb_env_set_mapsize(environment, 64 << 20));
    check(mdb_env_open(environment, words[1], MDB_NOSUBDIR | MDB_NOLOCK, 0600));
    check(mdb_txn_begin(environment, NULL, 0, &transaction));
    check(mdb_dbi_open(transaction, NULL, 0, &database));
    check(mdb_cursor_open(transaction, database, &cursor));
    MDB_val key, value;
    int code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        char name[512], octets[1 << 16];
        MDB_val own = {key.mv_size, name}, shorter = {value.mv_size - SEAL, octets};
        memcpy(name, key.mv_data, key.mv_size);
        memcpy(octets, value.mv_data, value.mv_size);
        if (key.mv_size == 7 && memcmp(name, "!schema", 7) == 0) octets[7] = count > 2 ? atoi(words[2]) : 4;
        check(mdb_cursor_put(cursor, &own, &shorter, MDB_CURRENT));
    }
    check(code == MDB_NOTFOUND ? 0 : code);
    check(mdb_txn_commit(transaction));
    mdb_env_close(environment);
    return 0;
}
