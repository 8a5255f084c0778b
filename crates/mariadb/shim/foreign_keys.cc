/* Foreign keys in descriptions of tables; see foreign.h. */
#include "foreign.h"
#include "handler.h"
#include <sql_show.h>
#include <sql_table.h>
#include <table_cache.h>
#include <algorithm>
#include <cstdlib>

namespace {

void collect(void *place, const vamos_foreign_key *key) {
  Vamos_foreign_key found;
  found.name = key->name;
  found.child = key->child;
  found.parent = key->parent;
  for (uint32_t i = 0; i < key->column_count; i++) {
    found.columns.push_back(key->columns[i]);
    found.parent_columns.push_back(key->parent_columns[i]);
  }
  found.on_delete = static_cast<enum_fk_option>(key->on_delete);
  found.on_update = static_cast<enum_fk_option>(key->on_update);
  static_cast<Vamos_foreign_keys *>(place)->push_back(found);
}

void sort_by_name(Vamos_foreign_keys &keys) {
  std::sort(keys.begin(), keys.end(), [](const Vamos_foreign_key &a, const Vamos_foreign_key &b) {
    return a.child != b.child ? a.child < b.child : a.name < b.name;
  });
}

void append_name(THD *thd, String *out, const std::string &name) {
  append_identifier(thd, out, name.data(), static_cast<uint>(name.size()));
}

void append_names(THD *thd, String *out, const std::vector<std::string> &names) {
  out->append('(');
  for (size_t i = 0; i < names.size(); i++) {
    if (i)
      out->append(STRING_WITH_LEN(", "));
    append_name(thd, out, names[i]);
  }
  out->append(')');
}

void append_action(String *out, const char *event, enum_fk_option action) {
  static const char *const names[] = {"", "", "NO ACTION", "CASCADE", "SET NULL", ""};
  const char *name = names[action];
  if (!*name)
    return;
  out->append(event, strlen(event));
  out->append(name, strlen(name));
}

std::string decoded(const std::string &file) {
  char name[NAME_LEN + 1];
  return std::string(name, filename_to_tablename(file.c_str(), name, sizeof name));
}

LEX_CSTRING *lex_string(THD *thd, const std::string &text) {
  return thd_make_lex_string(thd, nullptr, text.data(), text.size(), true);
}

/* What the server wants to know of the two tables' columns. */
void describe_columns(THD *thd, const Vamos_foreign_key &key, const TABLE_SHARE *child_share,
                      const TABLE_SHARE *parent_share, FOREIGN_KEY_INFO *info) {
  const uint count = static_cast<uint>(key.columns.size());
  std::vector<uint> columns;
  if (child_share && vamos_columns(child_share, key.columns, columns))
    for (uint i = 0; i < count; i++)
      if (child_share->field[columns[i]]->real_maybe_null())
        info->set_nullable(thd, false, i, count);
  if (parent_share && vamos_columns(parent_share, key.parent_columns, columns)) {
    const uint index = vamos_key_of_columns(parent_share, columns);
    if (index != MAX_KEY)
      info->referenced_key_name = lex_string(thd, parent_share->key_info[index].name.str);
    for (uint i = 0; i < count; i++)
      if (parent_share->field[columns[i]]->real_maybe_null())
        info->set_nullable(thd, true, i, count);
  }
}

/* `with_other`: the other table's description is wanted, too. Null if memory is out. */
FOREIGN_KEY_INFO *info_of(THD *thd, const Vamos_foreign_key &key, const TABLE_SHARE *own, bool with_other) {
  std::string child_db, child, parent_db, parent;
  vamos_split_name(key.child, child_db, child);
  vamos_split_name(key.parent, parent_db, parent);
  void *const place = thd_alloc(thd, sizeof(FOREIGN_KEY_INFO));
  if (!place)
    return nullptr;
  FOREIGN_KEY_INFO *info = new (place) FOREIGN_KEY_INFO();
  info->foreign_id = lex_string(thd, key.name);
  info->foreign_db = lex_string(thd, child_db);
  info->foreign_table = lex_string(thd, child);
  info->referenced_db = lex_string(thd, parent_db);
  info->referenced_table = lex_string(thd, parent);
  info->delete_method = key.on_delete == FK_OPTION_UNDEF ? FK_OPTION_RESTRICT : key.on_delete;
  info->update_method = key.on_update == FK_OPTION_UNDEF ? FK_OPTION_RESTRICT : key.on_update;
  for (const std::string &column : key.columns)
    info->foreign_fields.push_back(lex_string(thd, column), thd->mem_root);
  for (const std::string &column : key.parent_columns)
    info->referenced_fields.push_back(lex_string(thd, column), thd->mem_root);
  const std::string own_name = vamos_table_name(own->normalized_path.str);
  const bool of_child = key.child == own_name;
  if (with_other) {
    const Vamos_other_table other(thd, of_child ? key.parent : key.child);
    describe_columns(thd, key, of_child ? own : other.get(), of_child ? other.get() : own, info);
  } else {
    describe_columns(thd, key, of_child ? own : nullptr, of_child ? nullptr : own, info);
  }
  return info;
}

int list_infos(THD *thd, const Vamos_foreign_keys &keys, const TABLE_SHARE *own, bool with_others,
               List<FOREIGN_KEY_INFO> *list) {
  for (const Vamos_foreign_key &key : keys) {
    FOREIGN_KEY_INFO *info = info_of(thd, key, own, with_others);
    if (!info || list->push_back(info, thd->mem_root))
      return HA_ERR_OUT_OF_MEM;
  }
  return 0;
}

} // namespace

void vamos_split_name(const std::string &name, std::string &database, std::string &table) {
  const size_t slash = name.find('/');
  database = slash == std::string::npos ? std::string() : decoded(name.substr(0, slash));
  const std::string file = slash == std::string::npos ? name : name.substr(slash + 1);
  table = file.find('#') == std::string::npos ? decoded(file) : file;
}

Vamos_foreign_keys vamos_foreign_keys(const std::string &table, bool referring) {
  Vamos_foreign_keys keys;
  vamos_foreign_visit(table.c_str(), referring, &keys, collect);
  sort_by_name(keys);
  return keys;
}

Vamos_foreign_keys vamos_keys_of_handler(const vamos_rust_handler *handler) {
  Vamos_foreign_keys keys;
  vamos_handler_keys(handler, &keys, collect);
  sort_by_name(keys);
  return keys;
}

bool vamos_same_key(const Vamos_foreign_key &a, const Vamos_foreign_key &b) {
  return a.name == b.name && a.parent == b.parent && a.columns == b.columns && a.parent_columns == b.parent_columns;
}

bool vamos_checks_foreign_keys(THD *thd) { return !(thd->variables.option_bits & OPTION_NO_FOREIGN_KEY_CHECKS); }

Vamos_other_table::Vamos_other_table(THD *thd, const std::string &name)
    : thd(thd), before(thd->mdl_context.mdl_savepoint()) {
  std::string database, table;
  vamos_split_name(name, database, table);
  const LEX_CSTRING db_name = {database.data(), database.size()}, table_name = {table.data(), table.size()};
  TABLE_LIST list;
  list.init_one_table(&db_name, &table_name, nullptr, TL_READ);
  Dummy_error_handler no_errors;
  thd->push_internal_handler(&no_errors);
  MDL_request request;
  MDL_REQUEST_INIT(&request, MDL_key::TABLE, db_name.str, table_name.str, MDL_SHARED_HIGH_PRIO, MDL_TRANSACTION);
  if (thd->mdl_context.acquire_lock(&request, static_cast<double>(thd->variables.lock_wait_timeout))) {
    lock_error = thd_killed(thd) ? HA_ERR_ABORTED_BY_USER : HA_ERR_LOCK_WAIT_TIMEOUT;
  } else {
    list.mdl_request.ticket = request.ticket;
    share = tdc_acquire_share(thd, &list, GTS_TABLE);
  }
  thd->pop_internal_handler();
}

Vamos_other_table::~Vamos_other_table() {
  if (share)
    tdc_release_share(share);
  thd->mdl_context.rollback_to_savepoint(before);
}

const TABLE_SHARE *Vamos_other_table::get() const {
  return share && !share->is_view && share->db_type() == vamos_hton && !share->partition_info_str ? share : nullptr;
}

bool vamos_columns(const TABLE_SHARE *share, const std::vector<std::string> &names, std::vector<uint> &columns) {
  columns.clear();
  for (const std::string &name : names)
    for (uint i = 0; i < share->fields; i++)
      if (!my_strcasecmp(system_charset_info, share->field[i]->field_name.str, name.c_str())) {
        columns.push_back(i);
        break;
      }
  return columns.size() == names.size();
}

uint vamos_key_of_columns(const TABLE_SHARE *share, const std::vector<uint> &columns) {
  uint found = MAX_KEY;
  for (uint i = 0; i < share->keys; i++) {
    const KEY &key = share->key_info[i];
    if (key.user_defined_key_parts < columns.size() || key.algorithm == HA_KEY_ALG_LONG_HASH)
      continue;
    bool fits = true;
    for (size_t part = 0; part < columns.size() && fits; part++) {
      const Field *field = share->field[columns[part]];
      fits = key.key_part[part].fieldnr == columns[part] + 1 && key.key_part[part].length == field->key_length() &&
             !(key.key_part[part].key_part_flag & HA_BLOB_PART);
    }
    if (!fits)
      continue;
    /* One row at most is found fastest. */
    if ((key.flags & HA_NOSAME) && key.user_defined_key_parts == columns.size())
      return i;
    if (found == MAX_KEY)
      found = i;
  }
  return found;
}

bool vamos_columns_fit(const Field *a, const Field *b) {
  const vamos_order order = vamos_order_of(a);
  if (order != vamos_order_of(b) || !a->stored_in_db() || !b->stored_in_db())
    return false;
  if (order != VAMOS_TEXT)
    return a->real_type() == b->real_type() && a->type_handler() == b->type_handler() &&
           a->pack_length() == b->pack_length() && a->decimals() == b->decimals();
  if (a->charset() != b->charset() || a->compression_method() || b->compression_method())
    return false;
  /* Of these the bytes themselves are in the index, and CHAR's padding with them. */
  const bool bytes = a->charset()->state & MY_CS_BINSORT;
  const bool padded = a->real_type() == MYSQL_TYPE_STRING || b->real_type() == MYSQL_TYPE_STRING;
  return !bytes || !padded || (a->real_type() == b->real_type() && a->field_length == b->field_length);
}

void vamos_append_constraint(THD *thd, String *out, const Vamos_foreign_key &key) {
  std::string child_db, child, parent_db, parent;
  vamos_split_name(key.child, child_db, child);
  vamos_split_name(key.parent, parent_db, parent);
  out->append(STRING_WITH_LEN("CONSTRAINT "));
  append_name(thd, out, key.name);
  out->append(STRING_WITH_LEN(" FOREIGN KEY "));
  append_names(thd, out, key.columns);
  out->append(STRING_WITH_LEN(" REFERENCES "));
  if (parent_db != child_db) {
    append_name(thd, out, parent_db);
    out->append('.');
  }
  append_name(thd, out, parent);
  out->append(' ');
  append_names(thd, out, key.parent_columns);
  append_action(out, " ON DELETE ", key.on_delete);
  append_action(out, " ON UPDATE ", key.on_update);
}

/* ---- What the server asks for ---- */

/* For SHOW CREATE TABLE. */
char *ha_vamos::get_foreign_key_create_info() {
  if (table_share->tmp_table)
    return nullptr;
  String text;
  for (const Vamos_foreign_key &key : vamos_foreign_keys(host_name(), false)) {
    text.append(STRING_WITH_LEN(",\n  "));
    vamos_append_constraint(table->in_use, &text, key);
  }
  return text.length() ? strdup(text.c_ptr_safe()) : nullptr;
}

void ha_vamos::free_foreign_key_create_info(char *text) { free(text); }

int ha_vamos::get_foreign_key_list(THD *thd, List<FOREIGN_KEY_INFO> *list) {
  return table_share->tmp_table ? 0 : list_infos(thd, vamos_foreign_keys(host_name(), false), table_share, true, list);
}

/* The server opens the tables that refer to one that a statement changes: it wants their
   names, and must not be made to wait for them here. ALTER TABLE wants their columns. */
int ha_vamos::get_parent_foreign_key_list(THD *thd, List<FOREIGN_KEY_INFO> *list) {
  return table_share->tmp_table ? 0 : list_infos(thd, vamos_foreign_keys(host_name(), true), table_share,
                                                  vamos_remakes_table(thd), list);
}

bool ha_vamos::referenced_by_foreign_key() const noexcept {
  /* If they are to be read anew and cannot be, the statement's own requests fail, too. */
  vamos_foreign_load(vamos_connection(current_thd));
  return !table_share->tmp_table && vamos_foreign_has_children(host_name().c_str());
}

bool ha_vamos::can_switch_engines() {
  return table_share->tmp_table ||
         (!referenced_by_foreign_key() && vamos_foreign_keys(host_name(), false).empty());
}

std::string ha_vamos::host_name() const { return vamos_table_name(table_share->normalized_path.str); }
