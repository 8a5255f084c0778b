/* See handler.h. */
#include "handler.h"
#include "condition.h"
#include <algorithm>
#include <string>
#include <vector>

namespace {

/* One per table that is open in the server, however many handlers it has. */
class Vamos_share final : public Handler_share {
public:
  explicit Vamos_share(vamos_rust_share *rust) : rust(rust) {}
  ~Vamos_share() override { vamos_share_free(rust); }
  vamos_rust_share *const rust;
};

bool is_text(const Field *field) {
  switch (field->real_type()) {
  case MYSQL_TYPE_STRING:
    return field->type_handler() == &type_handler_string;
  case MYSQL_TYPE_VARCHAR:
  case MYSQL_TYPE_VAR_STRING:
  case MYSQL_TYPE_TINY_BLOB:
  case MYSQL_TYPE_BLOB:
  case MYSQL_TYPE_MEDIUM_BLOB:
  case MYSQL_TYPE_LONG_BLOB:
  case MYSQL_TYPE_GEOMETRY:
    return true;
  default:
    return false;
  }
}

} // namespace

vamos_order vamos_order_of(const Field *field) {
  if (is_text(field))
    return VAMOS_TEXT;
  switch (field->real_type()) {
  case MYSQL_TYPE_TINY:
  case MYSQL_TYPE_SHORT:
  case MYSQL_TYPE_INT24:
  case MYSQL_TYPE_LONG:
  case MYSQL_TYPE_LONGLONG:
    return (field->flags & UNSIGNED_FLAG) ? VAMOS_UNSIGNED : VAMOS_SIGNED;
  case MYSQL_TYPE_ENUM:
  case MYSQL_TYPE_SET:
  case MYSQL_TYPE_YEAR:
  case MYSQL_TYPE_NEWDATE:
    return VAMOS_UNSIGNED;
  case MYSQL_TYPE_NEWDECIMAL:
  case MYSQL_TYPE_TIMESTAMP2:
  case MYSQL_TYPE_DATETIME2:
  case MYSQL_TYPE_TIME2:
  case MYSQL_TYPE_BIT:
    return VAMOS_BYTES;
  default:
    return VAMOS_SERVER;
  }
}

namespace {

void describe_storage(const Field *field, const TABLE *table, vamos_column &column) {
  column.length = field->pack_length_in_rec();
  switch (field->real_type()) {
  case MYSQL_TYPE_VARCHAR:
  case MYSQL_TYPE_VARCHAR_COMPRESSED: {
    column.storage = VAMOS_VAR;
    column.length_bytes = static_cast<const Field_varstring *>(field)->length_bytes;
    column.length = field->pack_length() - column.length_bytes;
    break;
  }
  case MYSQL_TYPE_TINY_BLOB:
  case MYSQL_TYPE_BLOB:
  case MYSQL_TYPE_MEDIUM_BLOB:
  case MYSQL_TYPE_LONG_BLOB:
  case MYSQL_TYPE_BLOB_COMPRESSED:
  case MYSQL_TYPE_GEOMETRY:
    column.storage = VAMOS_BLOB;
    column.length_bytes = static_cast<uint8_t>(field->pack_length() - portable_sizeof_char_ptr);
    break;
  case MYSQL_TYPE_BIT: {
    const Field_bit *bit = static_cast<const Field_bit *>(field);
    column.storage = VAMOS_BIT;
    column.length = bit->bytes_in_rec;
    column.bit_length = bit->bit_len;
    if (bit->bit_len) {
      column.bit_offset = static_cast<uint32_t>(bit->bit_ptr - table->record[0]);
      column.bit_shift = bit->bit_ofs;
    }
    break;
  }
  case MYSQL_TYPE_STRING:
    if (is_text(field)) {
      const CHARSET_INFO *cs = field->charset();
      column.storage = VAMOS_PADDED;
      column.pad_length = static_cast<uint8_t>(std::min(cs->mbminlen, 4U));
      cs->fill(reinterpret_cast<char *>(column.pad), column.pad_length, cs->pad_char);
      break;
    }
    column.storage = VAMOS_FIXED;
    break;
  default:
    column.storage = VAMOS_FIXED;
  }
}

vamos_key_part describe_part(const KEY_PART_INFO &part, const TABLE_SHARE *share) {
  const Field *field = share->field[part.fieldnr - 1];
  vamos_key_part out = {};
  out.column = part.fieldnr - 1;
  out.length = part.length;
  out.nullable = part.null_bit != 0;
  out.variable = (part.key_part_flag & (HA_VAR_LENGTH_PART | HA_BLOB_PART)) != 0;
  out.reverse = (part.key_part_flag & HA_REVERSE_SORT) != 0;
  out.prefix = is_text(field) && field->key_length() != part.length;
  if (part.key_part_flag & HA_BLOB_PART)
    out.prefix = 1;
  return out;
}

} // namespace

vamos_rust_connection *ha_vamos::connection() const {
  THD *thd = table ? table->in_use : nullptr;
  vamos_rust_connection *connection = vamos_connection(thd ? thd : current_thd);
  return is_sequence() ? vamos_connection_aside(connection) : connection;
}

/* ---- What the engine can do ---- */

/* Without HA_CAN_BIT_FIELD, as InnoDB: the server would keep bits of BIT columns
   among the NULL bits, and copy them wrongly in GROUP BY with COUNT(DISTINCT). */
ulonglong ha_vamos::table_flags() const {
  return HA_REC_NOT_IN_SEQ | HA_NULL_IN_KEY | HA_CAN_INDEX_BLOBS | HA_CAN_SQL_HANDLER | HA_CAN_GEOMETRY |
         HA_CAN_VIRTUAL_COLUMNS | HA_CAN_SKIP_LOCKED | HA_PARTIAL_COLUMN_READ |
         HA_TABLE_SCAN_ON_INDEX | HA_PRIMARY_KEY_REQUIRED_FOR_POSITION | HA_PRIMARY_KEY_IN_READ_INDEX |
         HA_PRIMARY_KEY_REQUIRED_FOR_DELETE | HA_REQUIRES_KEY_COLUMNS_FOR_DELETE | HA_BINLOG_ROW_CAPABLE |
         HA_CRASH_SAFE | HA_CAN_FORCE_BULK_UPDATE | HA_CAN_FORCE_BULK_DELETE |
         HA_ONLINE_ANALYZE | HA_CAN_TABLE_CONDITION_PUSHDOWN |
         HA_CAN_TABLES_WITHOUT_ROLLBACK;
}

ulong ha_vamos::index_flags(uint index, uint, bool) const {
  ulong flags = HA_READ_NEXT | HA_READ_PREV | HA_READ_ORDER | HA_READ_RANGE | HA_KEYREAD_ONLY |
                HA_DO_INDEX_COND_PUSHDOWN;
  if (index == table_share->primary_key)
    flags |= HA_CLUSTERED_INDEX;
  return flags;
}

/* ---- Life ---- */

Vamos_description::Vamos_description(const TABLE *table) {
  const TABLE_SHARE *share = table->s;
  for (Field **position = table->field; *position; position++) {
    Field *field = *position;
    vamos_column column = {};
    column.offset = static_cast<uint32_t>(field->ptr - table->record[0]);
    if (field->null_ptr) {
      column.null_offset = static_cast<uint32_t>(field->null_ptr - table->record[0]);
      column.null_mask = field->null_bit;
    }
    column.stored = field->stored_in_db();
    column.meaning = vamos_meaning(field);
    if (column.meaning == VAMOS_MEANS_DECIMAL)
      column.precision = static_cast<uint8_t>(static_cast<const Field_new_decimal *>(field)->precision);
    column.scale = static_cast<uint8_t>(field->decimals());
    column.order = vamos_order_of(field);
    column.sort_length = field->sort_length();
    column.collation = column.order == VAMOS_TEXT ? field->charset() : nullptr;
    column.field = field;
    describe_storage(field, table, column);
    columns.push_back(column);
  }
  for (uint i = 0; i < share->keys; i++) {
    const KEY &key = table->key_info[i];
    std::vector<vamos_key_part> list;
    const uint all = std::max<uint>(key.ext_key_parts, key.user_defined_key_parts);
    for (uint part = 0; part < all; part++)
      list.push_back(describe_part(key.key_part[part], share));
    parts.push_back(std::move(list));
  }
  for (uint i = 0; i < share->keys; i++) {
    const KEY &key = table->key_info[i];
    keys.push_back({parts[i].data(), key.user_defined_key_parts, static_cast<uint32_t>(parts[i].size()),
                    static_cast<uint8_t>((key.flags & HA_NOSAME) != 0)});
  }
  description.columns = columns.data();
  description.column_count = static_cast<uint32_t>(columns.size());
  description.keys = keys.data();
  description.key_count = static_cast<uint32_t>(keys.size());
  description.primary_key = share->primary_key != MAX_KEY ? share->primary_key : UINT32_MAX;
  description.record_length = share->reclength;
  description.auto_increment =
      table->found_next_number_field ? table->found_next_number_field->field_index : UINT32_MAX;
  description.defaults = share->default_values;
}

/* The host's copy of the table's description follows what the server has: a table
   that was a partition (EXCHANGE PARTITION) has none of its own. */
static void keep_image(THD *thd, const TABLE_SHARE *share) {
  const char *path = share->normalized_path.str;
  if (!share->tmp_table && !share->partition_info_str && !strstr(path, tmp_file_prefix))
    vamos_keep_image(thd, path, path);
}

const uint8_t *vamos_version_of(const TABLE_SHARE *share) {
  return share->tabledef_version.length == MY_UUID_SIZE ? share->tabledef_version.str : nullptr;
}

/* The table's share; the first handler asks the host for the table. */
vamos_rust_share *ha_vamos::share(const char *name, int *error) {
  *error = 0;
  lock_shared_ha_data();
  Vamos_share *found = static_cast<Vamos_share *>(get_ha_share_ptr());
  if (!found) {
    vamos_rust_share *opened = nullptr;
    *error = vamos_share_open(connection(), vamos_table_name(name).c_str(), vamos_index_count(table_share),
                              vamos_version_of(table_share), &opened);
    if (!*error) {
      found = new Vamos_share(opened);
      set_ha_share_ptr(found);
    }
  }
  unlock_shared_ha_data();
  return found ? found->rust : nullptr;
}

/* Called when a table enters the table cache. */
int ha_vamos::open(const char *name, int, uint) {
  int error = vamos_foreign_load(connection());
  if (error)
    return error;
  vamos_rust_share *shared = share(name, &error);
  if (error == HA_ERR_NO_SUCH_TABLE) {
    /* By this code the server would take its own files of the table away. */
    my_error(ER_NO_SUCH_TABLE_IN_ENGINE, MYF(0), table_share->db.str, table_share->table_name.str);
    return HA_ERR_GENERIC;
  }
  if (error)
    return error;
  const Vamos_description description(table);
  error = vamos_handler_open(connection(), shared, description.get(), &rust);
  if (error)
    return error;
  keep_image(current_thd, table_share);
  /* A table scan follows the primary key: the server must know, so that an UPDATE
     of that key does not meet the rows that it has moved. */
  key_used_on_scan = table_share->primary_key;
  ref_length = has_primary_key() ? table->key_info[table_share->primary_key].key_length : 8;
  return info(HA_STATUS_OPEN | HA_STATUS_NO_LOCK | HA_STATUS_VARIABLE | HA_STATUS_CONST);
}

int ha_vamos::close() {
  vamos_handler_close(rust);
  rust = nullptr;
  return 0;
}

/* Called for reads through several indexes of one table at once. */
handler *ha_vamos::clone(const char *name, MEM_ROOT *mem_root) {
  ha_vamos *copy = static_cast<ha_vamos *>(handler::clone(name, mem_root));
  if (copy && copy->rust) {
    copy->lock_type = lock_type;
    copy->locked_for_write = locked_for_write;
    copy->apply_use(table->in_use);
  }
  return copy;
}

/* Called at the end of each statement. */
int ha_vamos::reset() {
  duplicates_matter = false;
  gathering = false;
  in_range = false;
  range_lower_end = key_range();
  values_left = 0;
  queue.forget();
  ahead_error = 0;
  if (rust)
    vamos_handler_reset(rust);
  return 0;
}

/* Whether a new table is filled beside the transaction. In one of several
   statements a temporary table is not: the transaction's snapshot would not have
   the rows. */
bool ha_vamos::copies_beside() const {
  const bool in_transaction = thd_test_options(table->in_use, OPTION_NOT_AUTOCOMMIT | OPTION_BEGIN);
  return !is_sequence() && !(table_share->tmp_table && in_transaction);
}

int ha_vamos::extra(enum ha_extra_function operation) {
  switch (operation) {
  case HA_EXTRA_IGNORE_DUP_KEY:
  case HA_EXTRA_WRITE_CAN_REPLACE:
  case HA_EXTRA_INSERT_WITH_UPDATE:
    duplicates_matter = true;
    break;
  case HA_EXTRA_NO_IGNORE_DUP_KEY:
  case HA_EXTRA_WRITE_CANNOT_REPLACE:
    duplicates_matter = false;
    break;
  case HA_EXTRA_BEGIN_COPY:
  case HA_EXTRA_BEGIN_ALTER_IGNORE_COPY:
    return copies_beside() ? vamos_copy_begin(rust, connection()) : 0;
  case HA_EXTRA_END_COPY:
    return copies_beside() ? vamos_copy_end(connection(), 1) : 0;
  case HA_EXTRA_ABORT_COPY:
    return copies_beside() ? vamos_copy_end(connection(), 0) : 0;
  case HA_EXTRA_KEYREAD:
  case HA_EXTRA_NO_KEYREAD:
    vamos_handler_columns_changed(rust);
    break;
  default:
    break;
  }
  return 0;
}

/* Called when the set of columns to read changes within a statement. */
void ha_vamos::column_bitmaps_signal() {
  if (rust)
    vamos_handler_columns_changed(rust);
}

/* Tells the codec which columns to decode. Where rows are locked to be written
   all of them are: the whole row is written back. */
void ha_vamos::choose_columns() {
  if (vamos_handler_columns_known(rust))
    return;
  /* Virtual columns are then computed of the row's others: see completed(). */
  bool all = false;
  for (uint i = 0; i < table_share->keys && table->vfield; i++)
    all |= wants_prefixed_column(i);
  std::vector<uint32_t> wanted((table_share->fields + 31) / 32);
  for (uint i = 0; i < table_share->fields; i++)
    if (all || bitmap_is_set(table->read_set, i))
      wanted[i / 32] |= 1U << (i % 32);
  vamos_handler_columns(rust, wanted.data(), wanted.size(), locked_for_write);
}

/* Whether a column is wanted of which an index has only a prefix, also behind it: an
   entry has the primary key's columns, too. */
bool ha_vamos::wants_prefixed_column(uint index) const {
  const KEY &key = table->key_info[index];
  for (uint i = 0; i < key.user_defined_key_parts; i++) {
    const KEY_PART_INFO &part = key.key_part[i];
    if ((part.key_part_flag & HA_PART_KEY_SEG) && bitmap_is_set(table->read_set, part.fieldnr - 1) &&
        !table->field[part.fieldnr - 1]->part_of_key.is_set(index))
      return true;
  }
  return false;
}

/* Whether entries of the active index have what the server wants. It wants columns
   together with an index alone that are not in its entries for two things: positions,
   which have the primary key's columns, and to compare rows with ranges or each other,
   where several indexes or partitions are merged. */
bool ha_vamos::reads_index_alone() {
  return keyread_enabled() && !wants_prefixed_column(active_index) &&
         !(has_primary_key() && wants_prefixed_column(table_share->primary_key));
}

/* ---- Statement ---- */

/* Called before external_lock(), also for statements that never get there, and
   from other threads than the table's (DROP): only notes. */
THR_LOCK_DATA **ha_vamos::store_lock(THD *, THR_LOCK_DATA **to, thr_lock_type type) {
  if (type != TL_IGNORE)
    lock_type = type;
  return to;
}

/* Whether the statement reads until the end whatever it finds, so that rows may
   be locked in batches: an UPDATE or DELETE without LIMIT locks them all anyway.
   Any other locking read, also one of a subquery, may stop early and must not have
   locked rows that it never saw. */
static uint32_t rows_to_lock_ahead(THD *thd, const TABLE *table, bool locked_for_write) {
  SELECT_LEX *main = thd->lex->first_select_lex();
  const TABLE_LIST *list = table->pos_in_table_list;
  const bool of_main = locked_for_write || (list && list->select_lex == main);
  switch (thd_sql_command(thd)) {
  case SQLCOM_UPDATE:
  case SQLCOM_DELETE:
  case SQLCOM_UPDATE_MULTI:
  case SQLCOM_DELETE_MULTI:
  case SQLCOM_INSERT_SELECT:
  case SQLCOM_REPLACE_SELECT:
  case SQLCOM_CREATE_TABLE:
    return of_main && !main->limit_params.explicit_limit ? 256 : 1;
  default:
    return 1;
  }
}

/* Whether a statement that changes rows must find the ones it reads beside them as
   they are now, not as in the transaction's snapshot: INSERT .. SELECT and then
   DELETE by the same condition must meet the same rows (as in InnoDB). A statement
   that is a transaction of its own has a new snapshot; it locks only for the binary
   log (TL_READ_NO_INSERT), from which others must find what it found. The server
   asks for that, too, where it has locked out all writers itself (ALTER TABLE, LOCK
   TABLES), which needs no locks on rows. Below REPEATABLE READ rows do not stay
   anyway. */
static bool wants_rows_to_stay(THD *thd, thr_lock_type type, bool in_transaction) {
  const bool reads = type == TL_READ_NO_INSERT || (type == TL_READ && in_transaction);
  if (!reads || thd_tx_isolation(thd) <= ISO_READ_COMMITTED)
    return false;
  switch (thd_sql_command(thd)) {
  case SQLCOM_INSERT_SELECT:
  case SQLCOM_REPLACE_SELECT:
  case SQLCOM_CREATE_TABLE:
  case SQLCOM_UPDATE:
  case SQLCOM_UPDATE_MULTI:
  case SQLCOM_DELETE:
  case SQLCOM_DELETE_MULTI:
  case SQLCOM_INSERT:
  case SQLCOM_REPLACE:
  case SQLCOM_LOAD:
    return true;
  default:
    return false;
  }
}

void ha_vamos::apply_use(THD *thd) {
  vamos_use use = {};
  const bool in_transaction = thd_test_options(thd, OPTION_NOT_AUTOCOMMIT | OPTION_BEGIN);
  if (locked_for_write)
    use.lock = VAMOS_LOCK_EXCLUSIVE;
  else if (is_sequence())
    use.lock = VAMOS_LOCK_NONE;
  else if (lock_type == TL_READ_WITH_SHARED_LOCKS || lock_type == TL_READ_SKIP_LOCKED ||
           wants_rows_to_stay(thd, lock_type, in_transaction))
    use.lock = VAMOS_LOCK_SHARED;
  else if (thd_tx_isolation(thd) == ISO_SERIALIZABLE && in_transaction && thd_sql_command(thd) != SQLCOM_HA_READ)
    use.lock = VAMOS_LOCK_SHARED;
  else
    use.lock = VAMOS_LOCK_NONE;
  if (lock_type == TL_READ_SKIP_LOCKED || lock_type == TL_WRITE_SKIP_LOCKED)
    use.wait = VAMOS_SKIP;
  else if (vamos_lock_wait_seconds(thd) == 0)
    use.wait = VAMOS_NOWAIT;
  locks_rows = use.lock != VAMOS_LOCK_NONE;
  use.unlock = use.lock != VAMOS_LOCK_NONE && thd_tx_isolation(thd) <= ISO_READ_COMMITTED;
  use.lock_ahead = rows_to_lock_ahead(thd, table, locked_for_write);
  vamos_handler_use(rust, &use);
  vamos_handler_columns_changed(rust);
}

/* Called at the beginning (and, with F_UNLCK, at the end) of each statement that
   uses the table; under LOCK TABLES at LOCK and UNLOCK. */
int ha_vamos::external_lock(THD *thd, int type) {
  if (type == F_UNLCK) {
    lock_type = TL_UNLOCK;
    locked_for_write = false;
    return 0;
  }
  /* The copies that read several indexes of a table at once are always locked to read:
     in a statement that changes what they find they must find the rows as they are now. */
  locked_for_write = type == F_WRLCK || lock_type >= TL_FIRST_WRITE;
  apply_use(thd);
  return is_sequence() ? 0 : vamos_begin_statement(thd, writes_durably());
}

/* Called instead of external_lock() for each statement under LOCK TABLES. */
int ha_vamos::start_stmt(THD *thd, thr_lock_type type) {
  lock_type = type;
  locked_for_write = type >= TL_FIRST_WRITE;
  apply_use(thd);
  return is_sequence() ? 0 : vamos_begin_statement(thd, writes_durably());
}

/* ---- Sequences ---- */

int ha_vamos::begin_sequence() { return vamos_begin_aside(table->in_use, !table_share->tmp_table); }

int ha_vamos::end_sequence(int error) {
  if (error) {
    vamos_rollback(connection());
    return error;
  }
  return vamos_commit(connection(), vamos_durability_of(table->in_use));
}

/* ---- Errors ---- */

bool ha_vamos::get_error_message(int error, String *text) {
  char sentence[1024];
  const size_t length = vamos_error_text(connection(), error, sentence, sizeof sentence);
  if (length)
    text->append(sentence, length);
  return false;
}

void ha_vamos::print_error(int error, myf flags) {
  vamos_error_told(connection(), error);
  char sentence[1024];
  switch (error) {
  case HA_ERR_NO_CONNECTION:
  case HA_ERR_LOCK_DEADLOCK:
  case HA_ERR_GENERIC:
  case HA_ERR_ROLLBACK:
  case HA_ERR_CRASHED:
    if (vamos_error_text(connection(), error, sentence, sizeof sentence)) {
      const uint code = error == HA_ERR_NO_CONNECTION                                      ? ER_CONNECT_TO_FOREIGN_DATA_SOURCE
                        : error == HA_ERR_LOCK_DEADLOCK || error == HA_ERR_ROLLBACK ? ER_LOCK_DEADLOCK
                                                                                           : ER_GET_ERRMSG;
      my_printf_error(code, "VAMOS: %s", flags, sentence);
      return;
    }
  }
  handler::print_error(error, flags);
}
