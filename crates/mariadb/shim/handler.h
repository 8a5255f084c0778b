/* The handler class. The server calls a handler in this order:

     create() or delete_table() or rename_table()         DDL, on a handler that is not open
     open()                                               a table enters the table cache
       store_lock(), external_lock(F_RDLCK | F_WRLCK)     a statement begins (start_stmt() under LOCK TABLES)
         info(), records_in_range()                       the optimizer
         rnd_init() rnd_next().. position() rnd_end()     a table scan; rnd_pos() comes back to a row
         index_init() index_read().. index_next()..       an index scan
         index_end()
         start_bulk_insert() write_row().. end_bulk_insert()
         update_row(), delete_row()                       on the row read last
       reset(), external_lock(F_UNLCK)                    the statement ends; the server then calls
     close()                                              commit or rollback of the engine (engine.cc)

   Everything that is not a matter of the C++ interface is done in Rust. */
#pragma once
#include "server.h"
#include "boundary.h"
#include "foreign.h"
#include "ranges.h"
#include <vector>

extern handlerton *vamos_hton;

/* Two-phase commit (two_phase.cc). */
void vamos_set_two_phase(handlerton *);

bool vamos_in_transaction(THD *thd);

/* The connection's Rust side; made at first use. */
vamos_rust_connection *vamos_connection(THD *thd);
/* Registers the engine in the statement (and transaction), and begins it. */
int vamos_begin_statement(THD *thd, bool writes_durably);
/* Begins a statement of its own beside the transaction: for sequences. */
int vamos_begin_aside(THD *thd, bool writes_durably);
/* Raises the error that belongs to a failed commit or savepoint. */
int vamos_report(THD *thd, int error);
/* Raises the host's error in a DDL statement, where the server would only say
   that the table cannot be created. */
int vamos_report_ddl(THD *thd, int error);

/* rows.cc */
/* Whether what a statement scans is to be copied and dropped. */
bool vamos_remakes_table(THD *thd);

/* variables.cc */
uint vamos_lock_wait_seconds(THD *thd);
uint8_t vamos_durability_of(THD *thd);
/* What may run on the host: bits of the setting `vamos_pushdown`. */
enum vamos_pushdown : ulonglong { VAMOS_PUSH_CONDITION = 1, VAMOS_PUSH_INDEX_CONDITION = 2, VAMOS_PUSH_SUMMARY = 4 };
bool vamos_may_push(THD *thd, vamos_pushdown what);
uint vamos_start_wait_seconds();

/* summary.cc */
group_by_handler *vamos_create_group_by(THD *thd, struct Query *query);
extern struct st_mysql_sys_var *vamos_system_variables[];
extern struct st_mysql_show_var vamos_status_variables[];
vamos_settings vamos_current_settings();

/* create.cc */
int vamos_refuse_unsupported(TABLE *form, HA_CREATE_INFO *info);
std::string vamos_table_name(const char *path);
uint vamos_index_count(const TABLE_SHARE *share);

/* alter.cc */
void vamos_install_alter(handlerton *hton);

/* discover.cc */
void vamos_install_discovery(handlerton *hton);
int vamos_keep_image(THD *thd, const char *path, const char *image_path);
int vamos_keep_partitioned(THD *thd, const char *base, const char *files);
int vamos_keep_new_partitioned(THD *thd, const std::string &base, const LEX_CUSTRING &image);
std::string vamos_base_of_partition(const char *path);

/* The host's name for a table, by the names that users give it. */
std::string vamos_host_name(const char *database, const char *table);

/* handler.cc */
vamos_order vamos_order_of(const Field *field);
/* The server's name for its description of the table (16 bytes); null if it has none. */
const uint8_t *vamos_version_of(const TABLE_SHARE *share);

/* A table as boundary.h has it; points into the TABLE. */
class Vamos_description {
public:
  explicit Vamos_description(const TABLE *table);
  Vamos_description(const Vamos_description &) = delete;
  const vamos_table *get() const { return &description; }

private:
  std::vector<vamos_column> columns;
  std::vector<vamos_key> keys;
  std::vector<std::vector<vamos_key_part>> parts;
  vamos_table description = {};
};

class ha_vamos final : public handler {
public:
  ha_vamos(handlerton *hton, TABLE_SHARE *share) : handler(hton, share) {}

  /* What the engine can do. */
  ulonglong table_flags() const override;
  ulong index_flags(uint index, uint part, bool all_parts) const override;
  uint max_supported_keys() const override { return MAX_KEY; }
  uint max_supported_key_parts() const override { return MAX_REF_PARTS; }
  uint max_supported_key_length() const override { return 3072; }
  uint max_supported_key_part_length() const override { return 3072; }
  const key_map *keys_to_use_for_scanning() override { return &key_map_full; }
  const char *index_type(uint) override { return "BTREE"; }
  /* What SHOW TABLE STATUS says; rows have one format, whatever it is. */
  enum row_type get_row_type() const override {
    return table_share->row_type == ROW_TYPE_DEFAULT ? ROW_TYPE_DYNAMIC : table_share->row_type;
  }
  uint8 table_cache_type() override { return HA_CACHE_TBL_NOCACHE; }
  uint lock_count() const override { return 0; }

  /* DDL */
  int create(const char *name, TABLE *form, HA_CREATE_INFO *info) override;
  int delete_table(const char *name) override;
  int rename_table(const char *from, const char *to) override;
  int truncate() override;
  int reset_auto_increment(ulonglong value) override;
  void update_create_info(HA_CREATE_INFO *info) override;
  bool check_if_incompatible_data(HA_CREATE_INFO *info, uint table_changes) override;

  /* ALTER TABLE without a copy: alter.cc */
  enum_alter_inplace_result check_if_supported_inplace_alter(TABLE *altered, Alter_inplace_info *alter) override;
  bool prepare_inplace_alter_table(TABLE *altered, Alter_inplace_info *alter) override;
  bool inplace_alter_table(TABLE *altered, Alter_inplace_info *alter) override;
  bool commit_inplace_alter_table(TABLE *altered, Alter_inplace_info *alter, bool commit) override;
  bool can_convert_nocopy(const Field &field, const Column_definition &column) const override;
  Compare_keys compare_key_parts(const Field &old_field, const Column_definition &new_field,
                                 const KEY_PART_INFO &old_part, const KEY_PART_INFO &new_part) const override;

  /* Life */
  int open(const char *name, int mode, uint test_if_locked) override;
  int close() override;
  int reset() override;
  int extra(enum ha_extra_function operation) override;
  void column_bitmaps_signal() override;
  handler *clone(const char *name, MEM_ROOT *mem_root) override;

  /* Statement */
  THR_LOCK_DATA **store_lock(THD *thd, THR_LOCK_DATA **to, thr_lock_type type) override;
  int external_lock(THD *thd, int type) override;
  int start_stmt(THD *thd, thr_lock_type type) override;

  /* Statistics and costs: estimate.cc */
  int info(uint flag) override;
  ha_rows records_in_range(uint index, const key_range *min, const key_range *max, page_range *pages) override;
  ha_rows estimate_rows_upper_bound() override { return HA_POS_ERROR; }
  ha_rows multi_range_read_info_const(uint index, RANGE_SEQ_IF *ranges, void *parameter, uint count,
                                      uint *buffer_size, uint *flags, Cost_estimate *cost) override;
  ha_rows multi_range_read_info(uint index, uint ranges, uint rows, uint parts, uint *buffer_size, uint *flags,
                                Cost_estimate *cost) override;
  double scan_time() override;
  double read_time(uint index, uint ranges, ha_rows rows) override;
  int analyze(THD *thd, HA_CHECK_OPT *) override;
  int optimize(THD *thd, HA_CHECK_OPT *) override;
  int check(THD *thd, HA_CHECK_OPT *options) override;
  int repair(THD *, HA_CHECK_OPT *) override { return HA_ADMIN_TRY_ALTER; }

  /* Table scans */
  int rnd_init(bool scan) override;
  int rnd_next(uchar *record) override;
  int rnd_pos(uchar *record, uchar *position) override;
  int rnd_end() override;
  void position(const uchar *record) override;
  /* A row is changed by its hidden id: no need to read (and compute) all columns. */
  void use_hidden_primary_key() override {}
  int cmp_ref(const uchar *a, const uchar *b) override;

  /* Index scans */
  int index_init(uint index, bool sorted) override;
  int index_end() override;
  int index_read(uchar *record, const uchar *key, uint length, ha_rkey_function find) override;
  int index_read_last(uchar *record, const uchar *key, uint length) override;
  int index_next(uchar *record) override;
  int index_prev(uchar *record) override;
  int index_first(uchar *record) override;
  int index_last(uchar *record) override;
  int prepare_range_scan(const key_range *start, const key_range *end) override;
  int index_next_same(uchar *record, const uchar *key, uint length) override;
  int read_range_first(const key_range *start, const key_range *end, bool eq_range, bool sorted) override;
  int read_range_next() override;
  void unlock_row() override;
  int multi_range_read_init(RANGE_SEQ_IF *functions, void *parameter, uint count, uint mode,
                            HANDLER_BUFFER *buffer) override;
  int multi_range_read_next(range_id_t *range) override;
  int multi_range_read_explain_info(uint mode, char *text, size_t size) override;
  bool next_range(KEY_MULTI_RANGE *range);

  /* Changes */
  int write_row(const uchar *record) override;
  int update_row(const uchar *old_record, const uchar *new_record) override;
  int delete_row(const uchar *record) override;
  void start_bulk_insert(ha_rows rows, uint flags) override;
  int end_bulk_insert() override;
  bool start_bulk_update() override;
  bool start_bulk_delete() override;
  void get_auto_increment(ulonglong offset, ulonglong increment, ulonglong wanted, ulonglong *first,
                          ulonglong *reserved) override;

  /* Foreign keys: foreign_keys.cc */
  char *get_foreign_key_create_info() override;
  void free_foreign_key_create_info(char *text) override;
  int get_foreign_key_list(THD *thd, List<FOREIGN_KEY_INFO> *list) override;
  int get_parent_foreign_key_list(THD *thd, List<FOREIGN_KEY_INFO> *list) override;
  bool referenced_by_foreign_key() const noexcept override;
  bool can_switch_engines() override;
  bool get_foreign_dup_key(char *child_table, uint child_table_size, char *child_key, uint child_key_size) override;

  /* What the host evaluates */
  vamos_rust_handler *rust_handler() const { return rust; }
  bool reads_snapshot() const { return rust && !locks_rows && !is_sequence(); }
  const COND *cond_push(const COND *condition) override;
  void cond_pop() override;
  Item *idx_cond_push(uint key, Item *condition) override;
  void cancel_pushed_idx_cond() override;

  /* Errors */
  void print_error(int error, myf flags) override;
  bool get_error_message(int error, String *text) override;

private:
  friend class Vamos_alteration;
  vamos_rust_connection *connection() const;
  vamos_rust_share *share(const char *name, int *error);
  void apply_use(THD *thd);
  void choose_columns();
  int completed(int error, uchar *record);
  bool wants_prefixed_column(uint index) const;
  bool reads_index_alone();
  /* A sequence's one row is changed beside the transaction, at once and for good. */
  bool is_sequence() const { return table_share && table_share->table_type == TABLE_TYPE_SEQUENCE; }
  bool copies_beside() const;
  int begin_sequence();
  int end_sequence(int error);
  bool writes_durably() const { return locked_for_write && !table_share->tmp_table; }
  bool has_primary_key() const { return table_share->primary_key != MAX_KEY; }
  uint64_t auto_increment_above(const uchar *record) const;
  void set_rec_per_key();
  int read_sizes(vamos_wish wish);

  /* Foreign keys: foreign_rows.cc */
  std::string host_name() const;
  bool goes_on_after_errors() const;
  int find_links(bool *some);
  int make_links(THD *thd);
  int add_link(THD *thd, const Vamos_foreign_key &key, const std::string &own, bool to_child);
  int refuse_row(int error, const Vamos_link &link);
  int check_parents(const uchar *old_record, const uchar *new_record);
  int check_children(const uchar *old_record, const uchar *new_record);
  int change_children(const uchar *old_record, const uchar *new_record);
  int change_children_by(const Vamos_link &link, enum_fk_option action, const uchar *old_record,
                         const uchar *new_record);
  int change_child(const Vamos_link &link, enum_fk_option action, TABLE *parent, const uchar *values);
  int mark_row();
  int settle_row(int error);
  int write_referring_row(const uchar *record);
  int write_row_alone(const uchar *record);

  vamos_rust_handler *rust = nullptr;
  /* To tables that this one refers to, and that refer to it; as of a version. */
  std::vector<Vamos_link> parents, children;
  uint64_t links_version = 0;
  /* Changes under way that go along them. */
  uint links_in_use = 0;
  THR_LOCK_DATA unused_lock_data;
  thr_lock_type lock_type = TL_UNLOCK;
  bool locked_for_write = false;
  uint32_t rows_until_limit() const;
  /* Reads lock what they return. */
  bool locks_rows = false;
  /* A sequence is being read: its statement goes on until the scan's end. */
  bool in_sequence_scan = false;
  /* write_row() may be answered later: start_bulk_insert() was called. */
  bool gathering = false;
  /* The statement wants to know of each duplicate: IGNORE, REPLACE, ON DUPLICATE KEY. */
  bool duplicates_matter = false;
  /* AUTO_INCREMENT values that the statement still needs for rows that it has announced. */
  ulonglong values_left = 0;
  /* Ranges that were asked for together. */
  Range_queue queue;
  /* Why they could not be. */
  int ahead_error = 0;
  /* Pages that InnoDB would have for the rows. */
  double data_pages = 1;
  /* Inside read_range_first() and read_range_next(). */
  bool in_range = false;
  /* The lower end of a range that is read downwards, if it has one. */
  key_range range_lower_end = key_range();
  const key_range *lower_end() const { return range_lower_end.key ? &range_lower_end : nullptr; }
  const key_range *upper_end() const;
  int read_edge(uchar *record, bool last, const key_range *end);
};
