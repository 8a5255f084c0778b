/* CHECK, OPTIMIZE and REPAIR TABLE, and what the Rust side needs of the server
   for them. */
#include "handler.h"
#include <algorithm>

namespace {

TABLE *open_table(void *table) { return static_cast<TABLE *>(table); }

size_t copy_text(const char *from, size_t length, char *text, size_t size) {
  length = std::min(length, size);
  memcpy(text, from, length);
  return length;
}

/* All columns are read while a row is checked against its entries. What that
   leaves in the record (NULL bits of virtual columns) must not stay there:
   CHECKSUM TABLE takes it for the rows'. */
class All_columns {
public:
  explicit All_columns(TABLE *table) : table(table), read_set(table->read_set), write_set(table->write_set) {
    table->use_all_columns();
  }
  ~All_columns() {
    table->column_bitmaps_set(read_set, write_set);
    restore_record(table, s->default_values);
  }

private:
  TABLE *table;
  MY_BITMAP *read_set, *write_set;
};

} // namespace

int ha_vamos::check(THD *thd, HA_CHECK_OPT *options) {
  const bool extended = options->flags & T_EXTEND;
  const uint8_t thoroughness = extended ? 2 : (options->flags & T_QUICK) ? 0 : 1;
  All_columns all(table);
  uint8_t whole = 0;
  thd_progress_init(thd, thoroughness == 2 ? 2 : 1);
  const int error = vamos_check_table(rust, connection(), table, table->record[0], thoroughness, &whole);
  thd_progress_end(thd);
  if (error) {
    if (!thd->killed)
      print_error(error, MYF(0));
    return HA_ADMIN_FAILED;
  }
  return whole ? HA_ADMIN_OK : HA_ADMIN_CORRUPT;
}

/* The host compacts the table's files; then its sizes are new. */
int ha_vamos::optimize(THD *thd, HA_CHECK_OPT *options) {
  thd_progress_init(thd, 1);
  const int error = vamos_optimize_table(rust, connection(), table, table->record[0]);
  thd_progress_end(thd);
  if (error) {
    if (!thd->killed)
      print_error(error, MYF(0));
    return HA_ADMIN_FAILED;
  }
  return analyze(thd, options);
}

void *vamos_server_thd(void *table) { return open_table(table)->in_use; }

void vamos_server_progress(void *table, uint64_t done, uint64_t total) {
  thd_progress_report(open_table(table)->in_use, done, total);
}

/* The first stage began with the statement. */
void vamos_server_next_stage(void *table) {
  THD *thd = open_table(table)->in_use;
  if (thd->progress.stage + 1 < thd->progress.max_stage)
    thd_progress_next_stage(thd);
}

void vamos_server_warn(void *table, const char *text, size_t length) {
  push_warning_printf(open_table(table)->in_use, Sql_condition::WARN_LEVEL_WARN, ER_NOT_KEYFILE, "VAMOS: %.*s",
                      static_cast<int>(length), text);
}

/* What an expression warns of (a result out of range) is no finding about the
   table: such a row was accepted, by IGNORE for instance. */
void vamos_server_virtual_columns(void *table) {
  THD *thd = open_table(table)->in_use;
  Dummy_error_handler silent;
  thd->push_internal_handler(&silent);
  open_table(table)->update_virtual_fields(open_table(table)->file, VCOL_UPDATE_FOR_READ);
  thd->pop_internal_handler();
}

size_t vamos_server_key_name(void *table, uint32_t key, char *text, size_t size) {
  const LEX_CSTRING &name = open_table(table)->key_info[key].name;
  return copy_text(name.str, name.length, text, size);
}

size_t vamos_server_key_text(void *table, uint32_t key, char *text, size_t size) {
  StringBuffer<512> values(system_charset_info);
  key_unpack(&values, open_table(table), &open_table(table)->key_info[key]);
  return copy_text(values.ptr(), values.length(), text, size);
}
