/* Reading and changing rows; see handler.h. */
#include "handler.h"
#include "condition.h"
#include <sql_select.h>

/* How many rows a LIMIT lets the server read, if it stops there: it neither sorts
   nor groups nor joins them. 0: not known. A guess that is wrong costs time only. */
uint32_t ha_vamos::rows_until_limit() const {
  const TABLE_LIST *const place = table->pos_in_table_list;
  if (table->in_use->lex->sql_command != SQLCOM_SELECT || !place || !place->select_lex)
    return 0;
  const JOIN *const join = place->select_lex->join;
  if (!join || join->table_count != 1 || join->const_tables || !join->join_tab || join->join_tab->table != table ||
      join->join_tab->filesort || join->need_tmp || join->group_list || join->implicit_grouping ||
      join->select_distinct || (join->select_options & OPTION_FOUND_ROWS))
    return 0;
  const ha_rows limit = join->unit->lim.get_select_limit();
  return limit < UINT_MAX32 ? static_cast<uint32_t>(limit) : 0;
}

/* ---- Table scans ---- */

bool vamos_remakes_table(THD *thd) {
  switch (thd_sql_command(thd)) {
  case SQLCOM_ALTER_TABLE:
  case SQLCOM_CREATE_INDEX:
  case SQLCOM_DROP_INDEX:
    return true;
  default:
    return false;
  }
}

int ha_vamos::rnd_init(bool scan) {
  int error = is_sequence() ? begin_sequence() : 0;
  if (!error && scan && !is_sequence() && !table_share->tmp_table && vamos_remakes_table(table->in_use))
    error = vamos_begin_copy(rust, connection());
  in_sequence_scan = is_sequence() && !error;
  vamos_handler_first_rows(rust, rows_until_limit());
  return error ? error : vamos_rnd_init(rust, connection(), scan);
}

int ha_vamos::rnd_next(uchar *record) {
  choose_columns();
  return vamos_rnd_next(rust, connection(), record);
}

int ha_vamos::rnd_pos(uchar *record, uchar *position) {
  choose_columns();
  return vamos_rnd_pos(rust, connection(), record, position);
}

int ha_vamos::rnd_end() {
  vamos_scan_end(rust, connection());
  if (!in_sequence_scan)
    return 0;
  in_sequence_scan = false;
  return end_sequence(0);
}

/* Called after a row was read, to note its place: the primary key as the server
   has it in keys, or the hidden row id. */
void ha_vamos::position(const uchar *record) {
  if (has_primary_key())
    key_copy(ref, record, &table->key_info[table_share->primary_key], ref_length);
  else
    vamos_hidden_position(rust, ref);
  vamos_note_position(rust, ref);
}

int ha_vamos::cmp_ref(const uchar *a, const uchar *b) {
  if (!has_primary_key())
    return memcmp(a, b, ref_length);
  const KEY &key = table->key_info[table_share->primary_key];
  for (uint i = 0; i < key.user_defined_key_parts; i++) {
    const KEY_PART_INFO &part = key.key_part[i];
    const int order = part.field->key_cmp(a, b);
    if (order)
      return (part.key_part_flag & HA_REVERSE_SORT) ? -order : order;
    a += part.store_length;
    b += part.store_length;
  }
  return 0;
}

/* ---- Index scans ---- */

int ha_vamos::index_init(uint index, bool) {
  active_index = index;
  range_lower_end = key_range();
  vamos_handler_first_rows(rust, rows_until_limit());
  return vamos_index_init(rust, connection(), index);
}

int ha_vamos::index_end() {
  active_index = MAX_KEY;
  range_lower_end = key_range();
  vamos_scan_end(rust, connection());
  return 0;
}

namespace {

/* The server clears this set when it computes one virtual column, also while a sort
   reads the columns that the set names. */
class Keep_tmp_set {
public:
  explicit Keep_tmp_set(TABLE *table)
      : set(&table->tmp_set), words(set->bitmap, set->bitmap + no_words_in_map(set)) {}
  ~Keep_tmp_set() { std::copy(words.begin(), words.end(), set->bitmap); }

private:
  MY_BITMAP *set;
  std::vector<my_bitmap_map> words;
};

} // namespace

/* Called after each read through an index. Some reads fetch the row, which has no
   virtual columns; a server that reads the index alone takes them to be
   there. */
int ha_vamos::completed(int error, uchar *record) {
  if (error || !table->vfield || !keyread_enabled() || (!locks_rows && reads_index_alone()))
    return error;
  /* The rows of partitions, which are merged, are not read to where columns are. */
  std::vector<uchar> other;
  if (record != table->record[0]) {
    other.assign(table->record[0], table->record[0] + table_share->reclength);
    memcpy(table->record[0], record, table_share->reclength);
  }
  Keep_tmp_set keep(table);
  const KEY &key = table->key_info[active_index];
  for (uint part = 0; part < key.user_defined_key_parts; part++) {
    Field *field = table->field[key.key_part[part].fieldnr - 1];
    if (!field->stored_in_db())
      table->update_virtual_field(field, true);
  }
  if (!other.empty()) {
    memcpy(record, table->record[0], table_share->reclength);
    std::copy(other.begin(), other.end(), table->record[0]);
  }
  return 0;
}

/* The upper end of the range that is being read, if both ends are known. The server's
   loose index scan has ends that lack the key's first part, where that has all values
   (QUICK_RANGE_SELECT::get_next_prefix): it compares rows with them by itself. */
const key_range *ha_vamos::upper_end() const {
  if (!in_range || !end_range)
    return nullptr;
  const uint length = calculate_key_len(table, active_index, end_range->key, end_range->keypart_map);
  return end_range->length == length ? end_range : nullptr;
}

int ha_vamos::index_read(uchar *record, const uchar *key, uint length, ha_rkey_function find) {
  choose_columns();
  const bool down = find == HA_READ_KEY_OR_PREV || find == HA_READ_BEFORE_KEY || find == HA_READ_PREFIX_LAST ||
                    find == HA_READ_PREFIX_LAST_OR_PREV;
  const key_range *end = down ? lower_end() : upper_end();
  const int error = vamos_index_read(rust, connection(), record, reads_index_alone(), key, length, find,
                                     end ? end->key : nullptr, end ? end->length : 0, end ? end->flag : 0);
  return completed(error, record);
}

int ha_vamos::index_read_last(uchar *record, const uchar *key, uint length) {
  return index_read(record, key, length, HA_READ_PREFIX_LAST);
}

int ha_vamos::index_next(uchar *record) {
  choose_columns();
  return completed(vamos_index_step(rust, connection(), record, reads_index_alone(), 0, in_range), record);
}

int ha_vamos::index_prev(uchar *record) {
  choose_columns();
  const bool within = in_range || lower_end();
  return completed(vamos_index_step(rust, connection(), record, reads_index_alone(), 1, within), record);
}

int ha_vamos::read_edge(uchar *record, bool last, const key_range *end) {
  choose_columns();
  const int error = vamos_index_edge(rust, connection(), record, reads_index_alone(), last, end ? end->key : nullptr,
                                     end ? end->length : 0, end ? end->flag : 0);
  return completed(error, record);
}

int ha_vamos::index_first(uchar *record) { return read_edge(record, false, upper_end()); }

/* A range without an upper end that is read downwards begins here. The server takes no
   row for an empty table, and would not go on to the range below. */
int ha_vamos::index_last(uchar *record) {
  const int error = read_edge(record, true, lower_end());
  return error == HA_ERR_END_OF_FILE && lower_end() ? read_edge(record, true, nullptr) : error;
}

/* Called before a range is read downwards (QUICK_SELECT_DESC): tells where it ends, so
   that nothing beyond is sent or locked. The key is the range's own. */
int ha_vamos::prepare_range_scan(const key_range *start, const key_range *) {
  range_lower_end = start ? *start : key_range();
  return 0;
}

int ha_vamos::index_next_same(uchar *record, const uchar *key, uint length) {
  choose_columns();
  return completed(vamos_index_next_same(rust, connection(), record, reads_index_alone(), key, length), record);
}

/* The server's own range reads, with a note that both ends of the range are
   known, so that the host sends nothing beyond. The server still compares each
   row with the range's end. */
int ha_vamos::read_range_first(const key_range *start, const key_range *end, bool eq_range, bool sorted) {
  in_range = true;
  const int error = handler::read_range_first(start, end, eq_range, sorted);
  in_range = false;
  return error;
}

int ha_vamos::read_range_next() {
  in_range = true;
  const int error = handler::read_range_next();
  in_range = false;
  return error;
}

/* Called for a row that does not match the statement's conditions. */
void ha_vamos::unlock_row() { vamos_unlock_row(rust, connection()); }

/* ---- Conditions that the host evaluates ---- */

/* Called with a condition on this table's rows that the server checks again on
   each row that it reads. Null says that the host checks all of it, which EXPLAIN
   shows. The server may call again for the same statement, with more. */
const COND *ha_vamos::cond_push(const COND *condition) {
  vamos_condition_clear(rust, UINT32_MAX);
  if (!vamos_may_push(table->in_use, VAMOS_PUSH_CONDITION))
    return condition;
  return vamos_push_condition(rust, table, UINT32_MAX, const_cast<Item *>(condition)) ? nullptr : condition;
}

void ha_vamos::cond_pop() { vamos_condition_clear(rust, UINT32_MAX); }

/* Called with what of a condition the index alone can answer. All of it is given
   back: a row that the host cannot judge comes unjudged. */
Item *ha_vamos::idx_cond_push(uint key, Item *condition) {
  vamos_condition_clear(rust, key);
  if (!vamos_may_push(table->in_use, VAMOS_PUSH_INDEX_CONDITION))
    return condition;
  if (vamos_push_condition(rust, table, key, condition)) {
    pushed_idx_cond = condition;
    pushed_idx_cond_keyno = key;
  }
  return condition;
}

void ha_vamos::cancel_pushed_idx_cond() {
  if (rust && pushed_idx_cond_keyno != MAX_KEY)
    vamos_condition_clear(rust, pushed_idx_cond_keyno);
  handler::cancel_pushed_idx_cond();
}

/* ---- Changes ---- */

/* The AUTO_INCREMENT value that follows the row's, or 0 if it has none. */
uint64_t ha_vamos::auto_increment_above(const uchar *record) const {
  Field *field = table->found_next_number_field;
  if (!field)
    return 0;
  const my_ptrdiff_t distance = record - table->record[0];
  MY_BITMAP *const saved = dbug_tmp_use_all_columns(table, &table->read_set);
  const longlong value = field->val_int_offset(static_cast<uint>(distance));
  dbug_tmp_restore_column_map(&table->read_set, saved);
  if (value == 0 || (value < 0 && !(field->flags & UNSIGNED_FLAG)))
    return 0;
  const ulonglong unsigned_value = static_cast<ulonglong>(value);
  /* Behind the type's last value the server itself says "out of range". */
  return unsigned_value == ULONGLONG_MAX ? unsigned_value : unsigned_value + 1;
}

/* Whether a row that another one stands in the way of has used its AUTO_INCREMENT
   value all the same: where the statement then takes the other one away (and in
   INSERT .. SELECT, as in InnoDB). */
static bool duplicate_uses_value(THD *thd) {
  switch (thd_sql_command(thd)) {
  case SQLCOM_REPLACE:
  case SQLCOM_REPLACE_SELECT:
  case SQLCOM_INSERT_SELECT:
    return true;
  case SQLCOM_LOAD:
    return thd->lex->duplicates == DUP_REPLACE;
  default:
    return false;
  }
}

/* The server looks there, too. */
static int failed(int error) {
  if (error)
    my_errno = error;
  return error;
}

int ha_vamos::write_row_alone(const uchar *record) {
  if (table->next_number_field && record == table->record[0]) {
    const int error = update_auto_increment();
    if (error)
      return error;
    if (values_left)
      values_left--;
  }
  if (is_sequence()) {
    const int error = begin_sequence();
    if (error)
      return error;
  }
  const vamos_write how = {auto_increment_above(record), gathering && !duplicates_matter,
                           duplicate_uses_value(table->in_use)};
  const int error = vamos_write_row(rust, connection(), table->record[0], record, &how);
  return failed(is_sequence() ? end_sequence(error) : error);
}

int ha_vamos::write_row(const uchar *record) {
  bool linked;
  const int error = find_links(&linked);
  if (error)
    return failed(error);
  return linked && !parents.empty() ? write_referring_row(record) : write_row_alone(record);
}

int ha_vamos::write_referring_row(const uchar *record) {
  int error = mark_row();
  if (!error)
    error = write_row_alone(record);
  if (error)
    return failed(error);
  error = check_parents(nullptr, record);
  /* What was gathered before the row comes before it, and so does its duplicate. */
  const int before = error == HA_ERR_NO_REFERENCED_ROW && !goes_on_after_errors()
                         ? vamos_bulk_end(rust, connection(), table->record[0])
                         : 0;
  return failed(settle_row(before ? before : error));
}

void ha_vamos::start_bulk_insert(ha_rows, uint) { gathering = true; }

int ha_vamos::end_bulk_insert() {
  gathering = false;
  const int error = vamos_bulk_end(rust, connection(), table->record[0]);
  THD *thd = table->in_use;
  /* The server has found an error of its own in a later row, and would tell the client
     that alone: it must hear that its transaction is over. */
  if ((error == HA_ERR_LOCK_DEADLOCK || error == HA_ERR_ROLLBACK) && thd->is_error()) {
    thd->clear_error();
    print_error(error, MYF(0));
  }
  return failed(error);
}

int ha_vamos::update_row(const uchar *old_record, const uchar *new_record) {
  uint64_t next = 0;
  if (table->found_next_number_field && bitmap_is_set(table->write_set, table->found_next_number_field->field_index))
    next = auto_increment_above(new_record);
  bool linked;
  int error = find_links(&linked);
  if (error || !linked)
    return failed(error ? error : vamos_update_row(rust, connection(), old_record, new_record, next));
  error = mark_row();
  if (!error)
    error = check_children(old_record, new_record);
  if (!error)
    error = vamos_update_row(rust, connection(), old_record, new_record, next);
  if (!error)
    error = check_parents(old_record, new_record);
  if (!error)
    error = change_children(old_record, new_record);
  return failed(settle_row(error));
}

int ha_vamos::delete_row(const uchar *record) {
  bool linked;
  int error = find_links(&linked);
  if (error || !linked || children.empty())
    return failed(error ? error : vamos_delete_row(rust, connection(), record));
  error = mark_row();
  if (!error)
    error = check_children(record, nullptr);
  if (!error)
    error = vamos_delete_row(rust, connection(), record);
  if (!error)
    error = change_children(record, nullptr);
  return failed(settle_row(error));
}

/* The server calls these before an UPDATE or DELETE that no trigger watches, and
   would hand its rows over by other calls, which it does not write to the binary
   log. So: no, but the rows of the usual calls may be gathered. */
bool ha_vamos::start_bulk_update() {
  if (!duplicates_matter)
    vamos_gather_changes(rust);
  return true;
}

bool ha_vamos::start_bulk_delete() {
  /* DELETE IGNORE goes on behind a row that it cannot delete, and counts it not: that
     must not be one of many. */
  if (!table->in_use->lex->ignore)
    vamos_gather_changes(rust);
  return true;
}

/* Called by update_auto_increment() for a statement's first value, and when those that
   it got are used up or lie below one that the statement has written itself: then the
   server guesses what it will need, but as in InnoDB it gets what is left of what it
   wanted at first. `first` comes in as the value that the server would go on with; one
   beyond the column's last (a negative one that ON DUPLICATE KEY UPDATE has written looks
   like that) it refuses by itself, and the counter stays. */
void ha_vamos::get_auto_increment(ulonglong offset, ulonglong increment, ulonglong wanted, ulonglong *first,
                                  ulonglong *reserved) {
  if (!values_left)
    values_left = std::max<ulonglong>(wanted, 1);
  if (*first <= table->found_next_number_field->get_max_int_value())
    *first = vamos_auto_increment_reserve(rust, offset, increment, values_left, *first);
  *reserved = values_left;
}
