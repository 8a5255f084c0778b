/* ALTER TABLE without a copy. The server calls

     check_if_supported_inplace_alter()   what can be done, and what others may do meanwhile
     prepare_inplace_alter_table()        alone with the table
     inplace_alter_table()                others read and write
     commit_inplace_alter_table()         alone with the table; once for all partitions

   What changes only descriptions is done in the last step. Indexes are built in
   the third, and brought up to date in the last. The host makes the new indexes
   and the new description the table's in one step; after a crash check_version()
   tells the server whether that was done, and so which .frm file counts. */
#include "handler.h"
#include <log.h>
#include <mysqld.h>
#include <algorithm>
#include <string>
#include <vector>

namespace {

const uint32_t NONE = UINT32_MAX;

/* Rows get longer by a slot for each column that was ever added or dropped: a
   copy now and then makes them short again. */
const uint32_t MAX_SLOTS = 4000;

/* What needs no row to be written again. */
const alter_table_operations WITHOUT_ROWS =
    ALTER_COLUMN_TYPE_CHANGE_BY_ENGINE | ALTER_COLUMN_NAME | ALTER_COLUMN_DEFAULT | ALTER_COLUMN_OPTION |
    ALTER_COLUMN_COLUMN_FORMAT | ALTER_COLUMN_INDEX_LENGTH | ALTER_COLUMN_NULLABLE | ALTER_CHANGE_CREATE_OPTION |
    ALTER_DROP_CHECK_CONSTRAINT | ALTER_PARTITIONED | ALTER_RENAME | ALTER_RENAME_INDEX | ALTER_INDEX_IGNORABILITY |
    ALTER_INDEX_ORDER | ALTER_CHANGE_INDEX_COMMENT | ALTER_CONVERT_TO | ALTER_VIRTUAL_GCOL_EXPR |
    ALTER_ADD_VIRTUAL_COLUMN | ALTER_DROP_VIRTUAL_COLUMN | ALTER_VIRTUAL_COLUMN_ORDER |
    ALTER_ADD_STORED_BASE_COLUMN | ALTER_DROP_STORED_COLUMN | ALTER_STORED_COLUMN_ORDER |
    ALTER_DROP_NON_UNIQUE_NON_PRIM_INDEX | ALTER_DROP_UNIQUE_INDEX;

const alter_table_operations ADD_INDEX = ALTER_ADD_NON_UNIQUE_NON_PRIM_INDEX | ALTER_ADD_UNIQUE_INDEX;

/* A default that is not the same for every row and every day. */
bool has_changing_default(const Field *field) {
  return field->default_value && (field->default_value->flags & ~(VCOL_SESSION_FUNC | VCOL_TIME_FUNC));
}

/* For each column of the altered table, which it was. */
std::vector<uint32_t> old_columns(const TABLE *altered, const Alter_inplace_info *alter) {
  std::vector<uint32_t> old(altered->s->fields, NONE);
  List_iterator_fast<Create_field> columns(alter->alter_info->create_list);
  for (uint i = 0; i < altered->s->fields; i++) {
    const Create_field *column = columns++;
    if (!column)
      break;
    if (column->field)
      old[i] = column->field->field_index;
  }
  return old;
}

bool is_added(const Alter_inplace_info *alter, uint key) {
  uint *const end = alter->index_add_buffer + alter->index_add_count;
  return std::find(alter->index_add_buffer, end, key) != end;
}

/* For each key of the altered table, which it was. */
std::vector<uint32_t> old_keys(const TABLE *table, const TABLE *altered, const Alter_inplace_info *alter) {
  std::vector<uint32_t> old(altered->s->keys, NONE);
  for (uint i = 0; i < altered->s->keys; i++) {
    if (is_added(alter, i))
      continue;
    const char *name = altered->key_info[i].name.str;
    for (const Alter_inplace_info::Rename_key_pair &pair : alter->rename_keys)
      if (!my_strcasecmp(system_charset_info, pair.new_key->name.str, name)) {
        name = pair.old_key->name.str;
        break;
      }
    for (uint j = 0; j < table->s->keys; j++)
      if (!my_strcasecmp(system_charset_info, table->key_info[j].name.str, name))
        old[i] = j;
  }
  return old;
}

/* Whether the key's entries stay as they are: whether a column can be NULL is
   written in them. */
bool keeps_entries(const KEY &key, const TABLE *table, const std::vector<uint32_t> &columns) {
  for (uint part = 0; part < key.ext_key_parts; part++) {
    const Field *now = key.key_part[part].field;
    const uint32_t was = columns[key.key_part[part].fieldnr - 1];
    if (was == NONE || table->field[was]->real_maybe_null() != now->real_maybe_null() ||
        table->field[was]->stored_in_db() != now->stored_in_db())
      return false;
  }
  return true;
}

bool has_virtual_part(const KEY &key) {
  for (uint part = 0; part < key.user_defined_key_parts; part++)
    if (!key.key_part[part].field->stored_in_db())
      return true;
  return false;
}

/* The rows are not checked for the constraints that belong to new columns, as InnoDB
   does not: it lets JSON NOT NULL be added, of which '' is no JSON. */
const char *why_not_columns(const TABLE *altered, const Alter_inplace_info *alter) {
  const std::vector<uint32_t> old = old_columns(altered, alter);
  for (uint i = 0; i < altered->s->fields; i++) {
    const Field *field = altered->field[i];
    if (old[i] != NONE)
      continue;
    if (field->stored_in_db() && (field->unireg_check == Field::NEXT_NUMBER || field->vcol_info))
      return "each row must get a value of its own";
    if (field->stored_in_db() && has_changing_default(field))
      return "the default is not the same for each row";
  }
  return nullptr;
}

const char *why_not_keys(const TABLE *table, const TABLE *altered, const Alter_inplace_info *alter) {
  const std::vector<uint32_t> columns = old_columns(altered, alter);
  const std::vector<uint32_t> old = old_keys(table, altered, alter);
  const bool had = table->s->primary_key != MAX_KEY, has = altered->s->primary_key != MAX_KEY;
  if (had != has || (has && old[altered->s->primary_key] != table->s->primary_key))
    return "rows lie in the primary key's order";
  for (uint i = 0; i < altered->s->keys; i++) {
    const KEY &key = altered->key_info[i];
    if (old[i] != NONE && !keeps_entries(key, table, columns))
      return "a column of an index changes";
    if (old[i] != NONE)
      continue;
    if (!is_added(alter, i))
      return "an index is not known by its name";
    if (key.algorithm == HA_KEY_ALG_FULLTEXT || key.algorithm == HA_KEY_ALG_RTREE ||
        key.algorithm == HA_KEY_ALG_LONG_HASH)
      return "only ordered indexes can be built";
    if (has_virtual_part(key))
      return "an index of virtual columns is built in a copy";
  }
  if (alter->index_add_count && alter->ignore)
    return "rows may have to be left out";
  return nullptr;
}

/* Whether the new length makes no difference to rows and keys. */
bool is_longer_varchar(const Field &field, const Column_definition &column) {
  if (field.real_type() != MYSQL_TYPE_VARCHAR || column.type_handler() != field.type_handler())
    return false;
  return column.charset == field.charset() && column.length >= field.field_length && !column.compression_method() &&
         !field.compression_method();
}

} // namespace

/* One partition's, or the table's, part in an ALTER TABLE. */
class Vamos_alteration final : public inplace_alter_handler_ctx {
public:
  Vamos_alteration(ha_vamos *handler, vamos_rust_alter *rust) : handler(handler), rust(rust) {}
  /* The handler may be gone by then. */
  ~Vamos_alteration() override { end(); }
  void end() {
    if (rust)
      vamos_alter_end(rust, vamos_connection(current_thd));
    rust = nullptr;
  }

  /* The highest value that the table has, and what ALTER TABLE says. */
  int set_auto_increment(ulonglong wanted) {
    TABLE *table = handler->table;
    Field *field = table->found_next_number_field;
    if (!field)
      return 0;
    if (!table->s->next_number_keypart) {
      const ulonglong next = highest(table, field) + 1;
      wanted = std::max(wanted, next);
    } else {
      wanted = std::max<ulonglong>(wanted, vamos_auto_increment_next(handler->rust));
    }
    return vamos_auto_increment_reset(handler->rust, handler->connection(), wanted);
  }

  ha_vamos *const handler;
  vamos_rust_alter *rust;

private:
  ulonglong highest(TABLE *table, Field *field) {
    MY_BITMAP *const saved = table->read_set;
    table->column_bitmaps_set_no_signal(&table->s->all_set, table->write_set);
    ulonglong value = 0;
    if (!handler->ha_index_init(table->s->next_number_index, true)) {
      if (!handler->ha_index_last(table->record[1])) {
        const longlong found = field->val_int_offset(table->s->rec_buff_length);
        if (found > 0 || (field->flags & UNSIGNED_FLAG))
          value = static_cast<ulonglong>(found);
      }
      handler->ha_index_end();
    }
    table->column_bitmaps_set_no_signal(saved, table->write_set);
    return value;
  }
};

namespace {

Vamos_alteration *alteration(inplace_alter_handler_ctx *context) {
  return static_cast<Vamos_alteration *>(context);
}

/* Reports an error; a duplicate with the value from the altered table's record. */
bool report(ha_vamos *handler, TABLE *altered, int error, uint32_t duplicate) {
  if (!error)
    return false;
  if (error == HA_ERR_FOUND_DUPP_KEY && duplicate < altered->s->keys)
    print_keydup_error(altered, &altered->key_info[duplicate], MYF(0));
  else if (!current_thd->is_error())
    handler->print_error(error, MYF(0));
  return true;
}

/* Called in recovery: 0 if the ALTER TABLE that would give the table this version
   was done. */
int check_version(handlerton *, const char *path, const LEX_CUSTRING *version, ulonglong) {
  uint8_t is = 0;
  if (version->length != MY_UUID_SIZE)
    return 1;
  THD *thd = current_thd;
  const int error = vamos_is_version(vamos_connection(thd), vamos_table_name(path).c_str(), version->str, &is);
  if (error)
    sql_print_warning("VAMOS: it is not known whether the last ALTER TABLE of %s was done (error %d); "
                      "its old description is used until the host can be asked",
                      path, error);
  return error || !is;
}

/* Called when the server has recovered, which leaves .par files behind, and when the
   plugin is installed later: then an ALTER TABLE may be using such a file. */
int recovery_done(handlerton *hton) {
  if (mysqld_server_started)
    return 0;
  const size_t removed = vamos_remove_leftovers(mysql_real_data_home, static_cast<uint8_t>(hton->db_type));
  if (removed)
    sql_print_information("VAMOS: removed %zu files that interrupted ALTER TABLEs of partitioned tables had left",
                          removed);
  return 0;
}

} // namespace

void vamos_install_alter(handlerton *hton) {
  hton->check_version = check_version;
  hton->signal_ddl_recovery_done = recovery_done;
}

bool ha_vamos::can_convert_nocopy(const Field &field, const Column_definition &column) const {
  return is_longer_varchar(field, column);
}

Compare_keys ha_vamos::compare_key_parts(const Field &old_field, const Column_definition &new_field,
                                         const KEY_PART_INFO &old_part, const KEY_PART_INFO &new_part) const {
  if (old_field.is_equal(new_field))
    return old_part.length == new_part.length ? Compare_keys::Equal : Compare_keys::NotEqual;
  if (!is_longer_varchar(old_field, new_field))
    return Compare_keys::NotEqual;
  /* Entries differ by whether they have the whole value. */
  const bool was_whole = old_part.length == old_field.key_length();
  const bool is_whole = new_part.length == new_field.length;
  if (was_whole != is_whole)
    return Compare_keys::NotEqual;
  if (old_part.length == new_part.length)
    return Compare_keys::Equal;
  return is_whole ? Compare_keys::EqualButKeyPartLength : Compare_keys::NotEqual;
}

enum_alter_inplace_result ha_vamos::check_if_supported_inplace_alter(TABLE *altered, Alter_inplace_info *alter) {
  THD *thd = table->in_use;
  const HA_CREATE_INFO *create = alter->create_info;
  alter_table_operations possible = WITHOUT_ROWS | ADD_INDEX;
  if (thd->variables.option_bits & OPTION_NO_CHECK_CONSTRAINT_CHECKS)
    possible |= ALTER_ADD_CHECK_CONSTRAINT;
  if ((alter->handler_flags & ~possible) || create->sequence || alter->error_if_not_empty || table->versioned() ||
      altered->versioned()) {
    if (alter->handler_flags & (ALTER_STORED_COLUMN_TYPE | ALTER_VIRTUAL_COLUMN_TYPE))
      alter->unsupported_reason = my_get_err_msg(ER_ALTER_OPERATION_NOT_SUPPORTED_REASON_COLUMN_TYPE);
    return HA_ALTER_INPLACE_NOT_SUPPORTED;
  }
  if (create->used_fields & (HA_CREATE_USED_ENGINE | HA_CREATE_USED_DATADIR | HA_CREATE_USED_INDEXDIR))
    return HA_ALTER_INPLACE_NOT_SUPPORTED;
  if ((create->used_fields & HA_CREATE_USED_ROW_FORMAT) && vamos_refuse_unsupported(altered, alter->create_info))
    return HA_ALTER_ERROR;
  bool refused = false;
  if (vamos_keys_forbid_alter(table, altered, alter, &refused)) {
    alter->unsupported_reason = "a column of a foreign key changes";
    return refused ? HA_ALTER_ERROR : HA_ALTER_INPLACE_NOT_SUPPORTED;
  }
  const char *reason = why_not_columns(altered, alter);
  if (!reason)
    reason = why_not_keys(table, altered, alter);
  if (!reason && (alter->handler_flags & ALTER_ADD_STORED_BASE_COLUMN) && vamos_slots(rust) >= MAX_SLOTS)
    reason = "so many columns were added and dropped that the table is to be copied once";
  if (reason) {
    alter->unsupported_reason = reason;
    return HA_ALTER_INPLACE_NOT_SUPPORTED;
  }
  return alter->index_add_count ? HA_ALTER_INPLACE_NOCOPY_NO_LOCK : HA_ALTER_INPLACE_INSTANT;
}

bool ha_vamos::prepare_inplace_alter_table(TABLE *altered, Alter_inplace_info *alter) {
  const Vamos_description description(altered);
  const std::vector<uint32_t> columns = old_columns(altered, alter);
  const std::vector<uint32_t> keys = old_keys(table, altered, alter);
  const LEX_CUSTRING *image = table_share->frm_image;
  vamos_alter what = {};
  what.table = description.get();
  what.old_columns = columns.data();
  what.old_keys = keys.data();
  what.record = altered->record[0];
  what.version = altered->s->tabledef_version.str;
  what.image = image ? image->str : nullptr;
  what.image_length = image ? image->length : 0;
  what.partition = table_share->partition_info_str != nullptr;
  vamos_rust_alter *begun = nullptr;
  const int error = vamos_alter_begin(rust, connection(), &what, &begun);
  if (!error)
    alter->handler_ctx = new Vamos_alteration(this, begun);
  return report(this, altered, error, NONE);
}

bool ha_vamos::inplace_alter_table(TABLE *altered, Alter_inplace_info *alter) {
  if (!alter->index_add_count)
    return false;
  THD *thd = table->in_use;
  uint32_t duplicate = NONE;
  thd_progress_init(thd, 1);
  const int error =
      vamos_alter_build(alteration(alter->handler_ctx)->rust, connection(), altered->record[0], &duplicate);
  thd_progress_end(thd);
  return report(this, altered, error, duplicate);
}

bool ha_vamos::commit_inplace_alter_table(TABLE *altered, Alter_inplace_info *alter, bool commit) {
  if (!commit) {
    if (alter->handler_ctx)
      alteration(alter->handler_ctx)->end();
    return false;
  }
  std::vector<Vamos_alteration *> all;
  if (alter->group_commit_ctx)
    for (inplace_alter_handler_ctx **context = alter->group_commit_ctx; *context; context++)
      all.push_back(alteration(*context));
  else
    all.push_back(alteration(alter->handler_ctx));
  std::vector<vamos_rust_alter *> parts;
  for (Vamos_alteration *part : all)
    parts.push_back(part->rust);
  const bool sets_counter = alter->create_info->used_fields & HA_CREATE_USED_AUTO;
  int error = 0;
  for (Vamos_alteration *part : all)
    if (sets_counter && !error)
      error = part->set_auto_increment(alter->create_info->auto_increment_value);
  uint32_t duplicate = NONE;
  const std::string base = table_share->partition_info_str
                               ? vamos_table_name(table_share->normalized_path.str)
                               : std::string();
  if (!error)
    error = vamos_alter_commit(parts.data(), parts.size(), connection(), base.empty() ? nullptr : base.c_str(),
                               altered->record[0], &duplicate);
  if (report(this, altered, error, duplicate))
    return true;
  alter->group_commit_ctx = nullptr; /* all partitions are done */
  for (Vamos_alteration *part : all)
    part->end();
  return false;
}
