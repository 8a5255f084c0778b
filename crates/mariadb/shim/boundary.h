/* What the C++ shim and the Rust side call of each other. The Rust side has the
   same declarations in src/boundary/; SAFETY.md has the rules. */
#pragma once
#include <stddef.h>
#include <stdint.h>

extern "C" {

/* ---- Descriptions, built by the shim when a table is opened ---- */

/* How a column lies in MariaDB's record buffer. */
enum vamos_storage : uint8_t {
  VAMOS_FIXED = 0,  /* `length` bytes */
  VAMOS_PADDED = 1, /* `length` bytes, filled up with the `pad` pattern */
  VAMOS_VAR = 2,    /* `length_bytes` of length, then up to `length` bytes */
  VAMOS_BLOB = 3,   /* `length_bytes` of length, then a pointer */
  VAMOS_BIT = 4     /* `bit_length` bits at `bit_offset`, then `length` bytes */
};

/* How a column's value becomes bytes that sort. */
enum vamos_order : uint8_t {
  VAMOS_UNSIGNED = 0, /* little-endian integer */
  VAMOS_SIGNED = 1,   /* little-endian integer, two's complement */
  VAMOS_BYTES = 2,    /* as it lies there */
  VAMOS_TEXT = 3,     /* by its collation */
  VAMOS_SERVER = 4    /* by Field::sort_string */
};

/* What a column's values mean to programs that run on the host. */
enum vamos_means : uint8_t {
  VAMOS_MEANS_OTHER = 0,
  VAMOS_MEANS_SIGNED = 1,
  VAMOS_MEANS_UNSIGNED = 2,
  VAMOS_MEANS_YEAR = 3,
  VAMOS_MEANS_DECIMAL = 4,
  VAMOS_MEANS_DATE = 5,
  VAMOS_MEANS_DATETIME = 6,
  VAMOS_MEANS_FLOAT = 7,
  VAMOS_MEANS_DOUBLE = 8,
  VAMOS_MEANS_TEXT = 9
};

struct vamos_column {
  uint32_t offset;
  uint32_t length;
  uint32_t null_offset;
  uint32_t bit_offset;
  uint32_t sort_length; /* what Field::sort_string writes */
  uint8_t null_mask;    /* 0: NOT NULL */
  vamos_storage storage;
  vamos_order order;
  uint8_t length_bytes;
  uint8_t bit_shift;
  uint8_t bit_length;
  uint8_t stored;  /* 0: a virtual column */
  vamos_means meaning;
  uint8_t precision; /* of a DECIMAL */
  uint8_t scale;     /* of a DECIMAL or DATETIME */
  uint8_t pad_length;
  uint8_t pad[4];
  const void *collation; /* CHARSET_INFO, for VAMOS_TEXT */
  void *field;           /* Field */
};

struct vamos_key_part {
  uint32_t column;
  uint32_t length;  /* bytes of the value that count */
  uint8_t nullable;
  uint8_t variable; /* two bytes of length in key images */
  uint8_t reverse;  /* DESC */
  uint8_t prefix;   /* only the value's beginning counts */
};

struct vamos_key {
  const vamos_key_part *parts;
  uint32_t user_parts;
  uint32_t all_parts; /* with those of the primary key that the server adds */
  uint8_t unique;
};

struct vamos_table {
  const vamos_column *columns;
  uint32_t column_count;
  const vamos_key *keys;
  uint32_t key_count;
  uint32_t primary_key; /* UINT32_MAX: hidden */
  uint32_t record_length;
  uint32_t auto_increment; /* the column; UINT32_MAX: none */
  const uint8_t *defaults;
};

struct vamos_level {
  uint32_t flags; /* for strnxfrm */
  uint8_t pad_space;
  uint8_t pad_length;
  uint8_t pad[8]; /* the weight of a space on this level */
};

struct vamos_collation {
  uint8_t binary;
  uint8_t trim; /* trailing spaces go before weights are taken */
  uint8_t multi_byte;
  uint8_t level_count;
  uint32_t max_bytes; /* of a character */
  vamos_level levels[6];
};

/* How a row is inserted. */
struct vamos_write {
  uint64_t auto_increment_next;   /* the counter after the row, or 0 */
  uint8_t gather;                 /* it may be sent later, with others */
  uint8_t duplicate_uses_value;   /* a duplicate raises the counter, too */
};

/* What a table becomes by an ALTER TABLE that copies no rows. */
struct vamos_alter {
  const vamos_table *table;
  const uint32_t *old_columns; /* for each column: which it was; UINT32_MAX: new */
  const uint32_t *old_keys;    /* for each key: which it was; UINT32_MAX: to be built */
  const uint8_t *record;       /* has the new columns' defaults */
  const uint8_t *version;      /* the server's name for the new description, 16 bytes */
  const uint8_t *image;        /* the description, as in the .frm file */
  size_t image_length;
  uint8_t partition; /* it is one of a partitioned table's parts, which has the image */
};

/* How texts of a collation compare byte by byte. */
struct vamos_text_order {
  uint8_t table[256]; /* the weight of each byte */
  uint8_t pad_space;
  uint8_t ascii_only; /* that holds for bytes below 128 alone */
  uint8_t multi_byte; /* characters may have several bytes */
};

/* A node of a condition, in postfix order: the operands come first. */
enum vamos_node_kind : uint8_t {
  VAMOS_NODE_COLUMN = 0,  /* `count`: its number */
  VAMOS_NODE_INTEGER = 1, /* `number`; `flag`: without sign */
  VAMOS_NODE_DECIMAL = 2, /* `bytes`: its digits */
  VAMOS_NODE_REAL = 3,    /* `real` */
  VAMOS_NODE_TEXT = 4,    /* `bytes` */
  VAMOS_NODE_TIME = 5,    /* `number`: packed */
  VAMOS_NODE_NULL = 6,
  VAMOS_NODE_COMPUTE = 7,  /* `how`: + - * % & | ^; `flag`: without sign */
  VAMOS_NODE_COMPARE = 16, /* `how`: = <> < <= > >= <=>; `flag`: as number, real, text, time; `order` */
  VAMOS_NODE_IN = 17,      /* `count` operands, the first is looked for; `flag`, `order` as above */
  VAMOS_NODE_LIKE = 18,    /* `bytes`: the pattern; `number`: the escape character; `order` */
  VAMOS_NODE_IS_NULL = 19,
  VAMOS_NODE_TRUTH = 20, /* `how`: false, true, neither */
  VAMOS_NODE_NOT = 21,
  VAMOS_NODE_AND = 22, /* `count` operands */
  VAMOS_NODE_OR = 23,  /* `count` operands */
  VAMOS_NODE_XOR = 24
};

struct vamos_node {
  uint8_t what; /* vamos_node_kind */
  uint8_t how;
  uint8_t flag;
  uint32_t count;
  int64_t number;
  double real;
  const uint8_t *bytes;
  size_t length;
  const vamos_text_order *order;
};

/* The statement and transaction as the server sees them. */
struct vamos_context {
  uint8_t isolation; /* ISO_READ_UNCOMMITTED .. ISO_SERIALIZABLE */
  uint8_t multi_statement;
  uint8_t applies; /* another server's log: waits are told to vamos_server_report_wait_for */
  uint32_t lock_wait_seconds;
  uint8_t writes_durably; /* changes a table that outlives the connection */
};

/* The name of a prepared transaction. */
struct vamos_xid {
  int64_t format;
  uint32_t global_length, branch_length;
  uint8_t data[128]; /* the two parts, one behind the other */
};

enum vamos_lock : uint8_t { VAMOS_LOCK_NONE = 0, VAMOS_LOCK_SHARED = 1, VAMOS_LOCK_EXCLUSIVE = 2 };
enum vamos_wait : uint8_t { VAMOS_WAIT = 0, VAMOS_NOWAIT = 1, VAMOS_SKIP = 2 };

/* What a handler is to do in the statement that begins. */
struct vamos_use {
  vamos_lock lock;
  vamos_wait wait;
  uint8_t unlock; /* rows that the server does not want need no lock */
  uint32_t lock_ahead; /* rows that a locking scan may lock ahead of its reader */
};

/* A table's rows, and the bytes that one has on average: in the primary index,
   and in all others together. */
struct vamos_stats {
  uint64_t rows;
  double entry_bytes, secondary_bytes;
};
/* How good they must be: as known without asking; not much older than the last
   large change; with the number of rows as it is; all counted anew. */
enum vamos_wish : uint8_t { VAMOS_KNOWN = 0, VAMOS_RECENT = 1, VAMOS_FRESH = 2, VAMOS_ANALYZED = 3 };

struct vamos_settings {
  const char *endpoint, *window, *token_file;
  uint64_t poll_budget_us;
};

struct vamos_counters {
  uint64_t requests, responses, frames_sent, frames_received, bytes_sent, bytes_received, doorbells_rung,
      doorbells_suppressed, doorbells_received, sleeps, poll_us, lanes_open, connects, rows_rejected;
  char mode[16];
  char endpoint[256];
};

/* A table of the host's catalogue and what it takes up; the first index is the
   primary one. */
struct vamos_index_sizes {
  uint64_t id, bytes;
};

struct vamos_table_sizes {
  const char *name;
  size_t name_length;
  uint64_t table, rows, auto_increment, row_id;
  const vamos_index_sizes *indexes;
  uint32_t index_count;
};

/* Not 0: no more tables are wanted. */
typedef int (*vamos_table_visit)(void *place, const vamos_table_sizes *);

/* The tables of information_schema that vamos_visit_rows fills. */
#define VAMOS_VIEW_TRANSACTIONS 0
#define VAMOS_VIEW_LOCKS 1
#define VAMOS_VIEW_LOCK_WAITS 2

/* What a cell is: NULL, its number, its number of milliseconds, its text; the
   host's name for a table, which fills three fields; the position of an index of the
   table before; the number of a connection, for what it runs. */
#define VAMOS_CELL_NULL 0
#define VAMOS_CELL_NUMBER 1
#define VAMOS_CELL_TIME 2
#define VAMOS_CELL_TEXT 3
#define VAMOS_CELL_TABLE 4
#define VAMOS_CELL_INDEX 5
#define VAMOS_CELL_QUERY 6

struct vamos_cell {
  uint8_t kind;
  uint64_t number;
  const char *text;
  size_t length;
};

/* Not 0: no more rows are wanted. */
typedef int (*vamos_row_visit)(void *place, const vamos_cell *, uint32_t cells);

/* A foreign key. Tables have the host's names; the actions are enum_fk_option. */
struct vamos_foreign_key {
  const char *name;
  const char *child;
  const char *parent;
  const char *const *columns;
  const char *const *parent_columns;
  uint32_t column_count;
  uint8_t on_delete;
  uint8_t on_update;
};

typedef void (*vamos_key_visit)(void *place, const vamos_foreign_key *);

/* A column, and the part of the other table's index that it leads to. */
struct vamos_link_part {
  uint32_t column;
  uint32_t other_column;
  uint8_t nullable;
  uint8_t reverse;
};

/* The way from an open table to one that it refers to, or that refers to it. */
struct vamos_link {
  const char *other;
  uint8_t to_child;
  uint8_t unique;      /* one row at most is at the other end */
  uint32_t index;      /* the position of the other's index */
  uint32_t index_count;
  const uint8_t *version; /* the server's name for its description of the other, or null */
  const vamos_link_part *parts;
  uint32_t part_count;
};

/* ---- Rust, called by the shim ---- */

typedef struct vamos_rust_connection vamos_rust_connection;
typedef struct vamos_rust_share vamos_rust_share;
typedef struct vamos_rust_handler vamos_rust_handler;
typedef struct vamos_rust_alter vamos_rust_alter;
typedef struct vamos_rust_children vamos_rust_children;

int vamos_start(const vamos_settings *);
int vamos_check_endpoint(const char *endpoint, char *message, size_t size);
int vamos_configure(const vamos_settings *);
void vamos_stop();
/* Removes what the server's recovery has left of partitioned tables of the engine with
   this number; returns how many files. */
size_t vamos_remove_leftovers(const char *datadir, uint8_t engine);
void vamos_read_counters(vamos_counters *);
/* The state of the way to the host and, if it answers, of the host. */
size_t vamos_status_text(vamos_rust_connection *, char *text, size_t size);

vamos_rust_connection *vamos_connection_new(void *thd);
void vamos_connection_free(vamos_rust_connection *);
/* A connection beside this one, for what no rollback undoes; freed with it. */
vamos_rust_connection *vamos_connection_aside(vamos_rust_connection *);
int vamos_statement_begin(vamos_rust_connection *, const vamos_context *);
int vamos_take_snapshot(vamos_rust_connection *);
int vamos_statement_end(vamos_rust_connection *);
int vamos_commit(vamos_rust_connection *, uint8_t durability);
int vamos_rollback(vamos_rust_connection *);
int vamos_statement_rollback(vamos_rust_connection *);
int vamos_prepare(vamos_rust_connection *, const vamos_xid *, uint8_t durability);
/* Sends the commit of what is prepared; vamos_commit then waits for it. */
void vamos_commit_ordered(vamos_rust_connection *, uint8_t durability);
/* The next names of prepared transactions; -1: the host cannot be reached. */
int vamos_recover(vamos_xid *list, uint32_t length, uint32_t wait_seconds, char *message, size_t size);
/* 0; 1: no such transaction; 2: failed. Without a connection at the server's start. */
int vamos_end_by_xid(vamos_rust_connection *, const vamos_xid *, uint8_t commit, char *message, size_t size);
/* Has vamos_server_checkpoint_reached called when all is on disk whose commit was
   ordered before. */
void vamos_checkpoint(void *cookie);
int vamos_savepoint_set(vamos_rust_connection *, uint64_t *id);
int vamos_savepoint_rollback(vamos_rust_connection *, uint64_t id);
int vamos_savepoint_release(vamos_rust_connection *, uint64_t id);
/* The sentence that belongs to `error`; 0 if there is none. */
size_t vamos_error_text(vamos_rust_connection *, int error, char *text, size_t size);
/* By what the transaction ended, if the client is still to hear of it; 0 otherwise. */
int vamos_tell_end(vamos_rust_connection *);
/* The client is told of `error`. */
void vamos_error_told(vamos_rust_connection *, int error);
/* The key in which the last duplicate was found, by the server's count; UINT32_MAX
   if that is not known. */
uint32_t vamos_duplicate_key(const vamos_rust_connection *);

/* `version`: the server's name for this description (16 bytes), or null. */
int vamos_create_table(vamos_rust_connection *, const char *name, uint32_t indexes, uint64_t auto_increment,
                       const uint8_t *image, size_t image_length, const uint8_t *version, uint8_t temporary,
                       const vamos_foreign_key *keys, size_t key_count);
/* `undoes`: the host is waited for, if it went away; a statement that failed has made
   the table. */
int vamos_drop_table(vamos_rust_connection *, const char *name, uint8_t undoes);
int vamos_rename_table(vamos_rust_connection *, const char *from, const char *to);

/* Foreign keys. All are learnt once; then each change of a table is noted, and the
   version is another one. */
int vamos_foreign_load(vamos_rust_connection *);
uint64_t vamos_foreign_version();
/* The keys of a table, or those that refer to it. */
void vamos_foreign_visit(const char *table, uint8_t referring, void *place, vamos_key_visit);
/* The keys that an open table was created with. */
void vamos_handler_keys(const vamos_rust_handler *, void *place, vamos_key_visit);
uint8_t vamos_foreign_has_children(const char *table);
/* Whether a table of the database, but `except`, has a constraint of this name. */
uint8_t vamos_foreign_name_taken(const char *database, const char *constraint, const char *except);
void vamos_links_clear(vamos_rust_handler *);
/* Links are counted in the order in which they were added, those to parents and those
   to children each for themselves. */
int vamos_link_add(vamos_rust_handler *, vamos_rust_connection *, const vamos_link *);
/* Whether what a row refers to is there, which is locked then. `old_record` may be null. */
int vamos_has_parent(vamos_rust_handler *, vamos_rust_connection *, uint32_t link, const uint8_t *old_record,
                     const uint8_t *new_record, uint8_t *has);
/* Whether rows refer to one. */
int vamos_has_children(vamos_rust_handler *, vamos_rust_connection *, uint32_t link, const uint8_t *record,
                       uint8_t *has);
/* The rows that refer to one, locked; `index` as in the link. */
int vamos_children_list(vamos_rust_handler *, vamos_rust_connection *, uint32_t link, uint32_t index,
                        const uint8_t *record, vamos_rust_children **);
uint8_t vamos_children_empty(const vamos_rust_children *);
/* Reads the next of them; the handler is the child's. */
int vamos_children_next(vamos_rust_children *, vamos_rust_handler *, vamos_rust_connection *, uint8_t *record,
                        uint8_t *found);
void vamos_children_free(vamos_rust_children *);
/* Where a row's change that is refused returns to. */
int vamos_row_mark(vamos_rust_connection *);
int vamos_row_undo(vamos_rust_connection *);
/* Keeps the sentence that belongs to an error, for vamos_error_text. */
void vamos_keep_error(vamos_rust_connection *, int error, const uint8_t *text, size_t length);

/* Tables that the server has no file of. An image is what a .frm file has. */
typedef void (*vamos_found)(void *place, const uint8_t *image, size_t image_length, const uint8_t *partitions,
                            size_t partitions_length);
typedef int (*vamos_add)(void *place, const char *name);
int vamos_discover(vamos_rust_connection *, const char *name, void *place, vamos_found);
int vamos_table_exists(vamos_rust_connection *, const char *name, uint8_t *exists);
/* Drops all tables of a database, by its directory's name. */
int vamos_drop_database(vamos_rust_connection *, const char *database, size_t *dropped);
int vamos_list_tables(vamos_rust_connection *, const char *database, void *place, vamos_add);
/* The table's image is new. */
int vamos_define(vamos_rust_connection *, const char *name, const uint8_t *image, size_t image_length);
/* What a partitioned table is found by, beside its partitions. */
int vamos_define_partitioned(vamos_rust_connection *, const char *name, const uint8_t *image, size_t image_length,
                             const uint8_t *partitions, size_t partitions_length);
int vamos_drop_partitioned(vamos_rust_connection *, const char *name);
int vamos_rename_partitioned(vamos_rust_connection *, const char *from, const char *to);

/* `version`: the 16 bytes by which the server names its description of the table,
   or null. HA_ERR_TABLE_DEF_CHANGED if it is not the table's last one. */
int vamos_share_open(vamos_rust_connection *, const char *name, uint32_t indexes, const uint8_t *version,
                     vamos_rust_share **);
void vamos_share_free(vamos_rust_share *);

int vamos_handler_open(vamos_rust_connection *, vamos_rust_share *, const vamos_table *, vamos_rust_handler **);
void vamos_handler_close(vamos_rust_handler *);
void vamos_handler_use(vamos_rust_handler *, const vamos_use *);
/* The scans to come will probably be read so far and no further; 0: to their end. */
void vamos_handler_first_rows(vamos_rust_handler *, uint32_t rows);
void vamos_handler_columns(vamos_rust_handler *, const uint32_t *read_set, size_t words, uint8_t all);
void vamos_handler_columns_changed(vamos_rust_handler *);
/* The statement is over: nothing points into the row read last any more. */
void vamos_handler_reset(vamos_rust_handler *);
uint8_t vamos_handler_columns_known(vamos_rust_handler *);

/* A condition on every row that the statement wants, or (`key` not UINT32_MAX)
   wants through this key. 0: it was not understood, and nothing is kept. */
uint8_t vamos_condition_add(vamos_rust_handler *, uint32_t key, const vamos_node *, size_t count);
/* Forgets the conditions on all rows, or those on reads through this key. */
void vamos_condition_clear(vamos_rust_handler *, uint32_t key);

/* A query that the host sums up. */
typedef struct vamos_rust_summary vamos_rust_summary;

/* A value of a group. */
struct vamos_value {
  uint8_t kind; /* 0: NULL, 1: a number */
  uint8_t length;
  char digits[46]; /* a number in decimal digits, `length` of them */
  int64_t number;  /* the same without its point, cut to 64 bits */
};

vamos_rust_summary *vamos_summary_new();
void vamos_summary_free(vamos_rust_summary *);
/* Each says what it wants; 0: not understood. */
uint8_t vamos_summary_condition(vamos_rust_summary *, const vamos_node *, size_t count);
void vamos_summary_group(vamos_rust_summary *, uint32_t column);
/* `what`: rows, count, sum, min, max. */
void vamos_summary_total(vamos_rust_summary *, uint8_t what, uint32_t column);
/* Whether the host can do it; `key`: has all columns, UINT32_MAX: none. */
uint8_t vamos_summary_plan(vamos_rust_summary *, const vamos_rust_handler *, uint32_t key);
void vamos_summary_start(vamos_rust_summary *);
/* The next group, or HA_ERR_END_OF_FILE. */
int vamos_summary_next(vamos_rust_summary *, vamos_rust_handler *, vamos_rust_connection *);
/* A value of the group: first its columns, then its totals. */
void vamos_summary_value(const vamos_rust_summary *, const vamos_rust_handler *, uint32_t place, uint32_t column,
                         vamos_value *);

/* Before rows are copied out of a table that is dropped then. */
int vamos_begin_copy(vamos_rust_handler *, vamos_rust_connection *);
int vamos_rnd_init(vamos_rust_handler *, vamos_rust_connection *, uint8_t scan);
int vamos_rnd_next(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record);
int vamos_rnd_pos(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record, const uint8_t *position);
/* The row read last is not wanted. */
void vamos_unlock_row(vamos_rust_handler *, vamos_rust_connection *);
void vamos_scan_end(vamos_rust_handler *, vamos_rust_connection *);
/* The server was given this position. */
void vamos_note_position(vamos_rust_handler *, const uint8_t *position);
/* Updates and deletes of this statement may be sent later, many together. */
void vamos_gather_changes(vamos_rust_handler *);
void vamos_hidden_position(vamos_rust_handler *, uint8_t *position);

/* A range of an index; a null key: no end on that side. */
struct vamos_range {
  const uint8_t *min_key, *max_key;
  uint32_t min_length, min_find, max_length, max_find;
};
/* The server will read these ranges of the index, in this order. */
int vamos_read_ahead(vamos_rust_handler *, vamos_rust_connection *, uint8_t keyread, const vamos_range *ranges,
                     size_t count);

int vamos_index_init(vamos_rust_handler *, vamos_rust_connection *, uint32_t key);
/* `find` is an ha_rkey_function; `end_key`, if not null, bounds a range whose
   end is `end_find`. */
int vamos_index_read(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record, uint8_t keyread,
                     const uint8_t *key, uint32_t key_length, uint32_t find, const uint8_t *end_key,
                     uint32_t end_key_length, uint32_t end_find);
int vamos_index_edge(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record, uint8_t keyread,
                     uint8_t last, const uint8_t *end_key, uint32_t end_key_length, uint32_t end_find);
/* `within`: the scan ends where its range does. */
int vamos_index_step(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record, uint8_t keyread,
                     uint8_t backward, uint8_t within);
int vamos_index_next_same(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record, uint8_t keyread,
                          const uint8_t *key, uint32_t key_length);
/* A range whose size will be asked for: the first question takes it along. */
int vamos_expect_range(vamos_rust_handler *, vamos_rust_connection *, uint32_t key, const uint8_t *min_key,
                       uint32_t min_length, uint32_t min_find, const uint8_t *max_key, uint32_t max_length,
                       uint32_t max_find);
void vamos_forget_expected(vamos_rust_handler *);
uint64_t vamos_range_rows(vamos_rust_handler *, vamos_rust_connection *, uint32_t key, const uint8_t *min_key,
                          uint32_t min_length, uint32_t min_find, const uint8_t *max_key, uint32_t max_length,
                          uint32_t max_find);

int vamos_write_row(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record0, const uint8_t *record,
                    const vamos_write *);
int vamos_bulk_end(vamos_rust_handler *, vamos_rust_connection *, uint8_t *record0);
int vamos_update_row(vamos_rust_handler *, vamos_rust_connection *, const uint8_t *old_record,
                     const uint8_t *new_record, uint64_t auto_increment_next);
int vamos_delete_row(vamos_rust_handler *, vamos_rust_connection *, const uint8_t *record);
/* A new table (of ALTER TABLE or CREATE .. SELECT) is about to be filled, and is
   filled, or will not be. */
int vamos_copy_begin(vamos_rust_handler *, vamos_rust_connection *);
int vamos_copy_end(vamos_rust_connection *, uint8_t filled);
int vamos_truncate(vamos_rust_handler *, vamos_rust_connection *);

/* ALTER TABLE without a copy, in this order: begin; build; commit, for all
   partitions at once; end. */
int vamos_alter_begin(vamos_rust_handler *, vamos_rust_connection *, const vamos_alter *, vamos_rust_alter **);
/* Fills the new indexes while others go on writing. `record` is the altered
   table's record[0]: gets the row whose key is a duplicate. */
int vamos_alter_build(vamos_rust_alter *, vamos_rust_connection *, uint8_t *record, uint32_t *duplicate_key);
/* `partitioned`: the name of the table that these are the partitions of, or null. */
int vamos_alter_commit(vamos_rust_alter **, size_t count, vamos_rust_connection *, const char *partitioned,
                       uint8_t *record, uint32_t *duplicate_key);
void vamos_alter_end(vamos_rust_alter *, vamos_rust_connection *);
/* Whether the table, or what it is partitioned into, is as this version says. */
int vamos_is_version(vamos_rust_connection *, const char *name, const uint8_t *version, uint8_t *is);
/* Slots that a row of the table has. */
uint32_t vamos_slots(const vamos_rust_handler *);

uint64_t vamos_auto_increment_next(vamos_rust_handler *);
int vamos_auto_increment_reset(vamos_rust_handler *, vamos_rust_connection *, uint64_t next);
uint64_t vamos_auto_increment_reserve(vamos_rust_handler *, uint64_t offset, uint64_t increment, uint64_t count,
                                      uint64_t at_least);
int vamos_table_stats(vamos_rust_handler *, vamos_rust_connection *, vamos_wish, vamos_stats *);
/* How many rows have the same first parts of a key. */
double vamos_rows_per_value(const vamos_rust_handler *, uint32_t key, uint32_t parts, uint64_t rows);

/* CHECK TABLE: 0 QUICK, 1 MEDIUM, 2 EXTENDED. What is wrong is told by warnings.
   `table` is a TABLE, `record` its record[0]. */
int vamos_check_table(vamos_rust_handler *, vamos_rust_connection *, void *table, uint8_t *record,
                      uint8_t thoroughness, uint8_t *whole);
int vamos_visit_tables(vamos_rust_connection *, void *place, vamos_table_visit);
int vamos_visit_rows(vamos_rust_connection *, uint8_t view, void *place, vamos_row_visit);
int vamos_optimize_table(vamos_rust_handler *, vamos_rust_connection *, void *table, uint8_t *record);

/* ---- The shim, called by Rust (server.cc) ---- */

void vamos_server_collation(const void *collation, vamos_collation *out);
size_t vamos_server_weights(const void *collation, uint32_t flags, const uint8_t *text, size_t length,
                            uint8_t *weights, size_t size);
size_t vamos_server_weights_bound(const void *collation, size_t length);
size_t vamos_server_trimmed(const void *collation, const uint8_t *text, size_t length);
size_t vamos_server_characters(const void *collation, const uint8_t *text, size_t length, size_t characters);
void vamos_server_sort_string(void *field, const uint8_t *value, uint8_t *out, uint32_t length);
/* Whether it is being shut down. */
uint8_t vamos_server_is_stopping();
uint8_t vamos_server_killed(const void *thd);
uint32_t vamos_server_lock_wait_seconds(void *thd);
uint64_t vamos_server_connection_number(const void *thd);
void vamos_server_must_rollback(void *thd);
void vamos_server_must_prepare(void *thd);
void vamos_server_report_kill(void *thd);
void vamos_server_alter_progress(void *thd, uint64_t done, uint64_t all);
void vamos_server_report_wait_for(void *thd, void *other);
void vamos_server_checkpoint_reached(void *cookie);

/* Of a TABLE whose statement looks after it (upkeep.cc). */
void *vamos_server_thd(void *table);
void vamos_server_progress(void *table, uint64_t done, uint64_t total);
void vamos_server_next_stage(void *table);
void vamos_server_warn(void *table, const char *text, size_t length);
void vamos_server_virtual_columns(void *table);
size_t vamos_server_key_name(void *table, uint32_t key, char *text, size_t size);
size_t vamos_server_key_text(void *table, uint32_t key, char *text, size_t size);
}
