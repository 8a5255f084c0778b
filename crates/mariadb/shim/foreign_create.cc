/* Foreign keys in CREATE and ALTER TABLE; see foreign.h. */
#include "foreign.h"
#include "handler.h"
#include <algorithm>

namespace {

int refuse(THD *thd, const Vamos_foreign_key &key, const char *why) {
  String text;
  vamos_append_constraint(thd, &text, key);
  push_warning_printf(thd, Sql_condition::WARN_LEVEL_WARN, ER_CANNOT_ADD_FOREIGN, "%s: %s", text.c_ptr_safe(), why);
  return HA_ERR_CANNOT_ADD_FOREIGN;
}

std::string lowered(const LEX_CSTRING &name) {
  std::string text(name.str, name.length);
  if (lower_case_table_names && !text.empty())
    my_casedn_str(table_alias_charset, &text[0]);
  return text;
}

/* The table that the user names: not the one that ALTER TABLE fills. */
std::string named_table(THD *thd, const char *path) {
  const std::string name = vamos_table_name(path);
  const TABLE_LIST *first = thd->lex->first_select_lex()->table_list.first;
  if (name.find('#') == std::string::npos || !first)
    return name;
  return vamos_host_name(first->db.str, first->table_name.str);
}

/* The number behind `TABLE_ibfk_`; 0: the name is not made so. */
ulong generated_number(const std::string &name, const std::string &table) {
  const std::string begin = table + "_ibfk_";
  return name.compare(0, begin.size(), begin) ? 0 : strtoul(name.c_str() + begin.size(), nullptr, 10);
}

void add_columns(List<Key_part_spec> &from, std::vector<std::string> &to) {
  List_iterator<Key_part_spec> parts(from);
  while (const Key_part_spec *part = parts++)
    to.push_back(std::string(part->field_name.str, part->field_name.length));
}

/* InnoDB takes SET DEFAULT, and refuses then as for RESTRICT. */
enum_fk_option action_of(enum_fk_option action) {
  return action == FK_OPTION_SET_DEFAULT ? FK_OPTION_RESTRICT : action;
}

bool has_action(const Vamos_foreign_key &key, enum_fk_option action) {
  return key.on_delete == action || key.on_update == action;
}

/* Whether the key can be, as far as its own table goes. */
int check_child(THD *thd, const TABLE_SHARE *share, const Vamos_foreign_key &key, std::vector<uint> &columns) {
  if (!vamos_columns(share, key.columns, columns))
    return refuse(thd, key, "a column is missing");
  if (vamos_key_of_columns(share, columns) == MAX_KEY)
    return refuse(thd, key, "no index begins with the whole columns");
  for (uint column : columns) {
    const Field *field = share->field[column];
    if (!field->stored_in_db())
      return refuse(thd, key, "a column is virtual");
    if (has_action(key, FK_OPTION_SET_NULL) && !field->real_maybe_null())
      return refuse(thd, key, "a column cannot be SET NULL: it is NOT NULL");
    if (field->vcol_info && (has_action(key, FK_OPTION_SET_NULL) || key.on_update == FK_OPTION_CASCADE))
      return refuse(thd, key, "a generated column cannot be changed by its parent");
  }
  return 0;
}

/* Whether the two tables' columns fit, and the parent's have an index. */
int check_parent(THD *thd, const TABLE_SHARE *child, const std::vector<uint> &columns, const TABLE_SHARE *parent,
                 const Vamos_foreign_key &key) {
  if (!parent)
    return refuse(thd, key, "the referenced table is missing, partitioned, or of another engine");
  std::vector<uint> parent_columns;
  if (!vamos_columns(parent, key.parent_columns, parent_columns))
    return refuse(thd, key, "a referenced column is missing");
  if (parent->versioned || child->versioned)
    return refuse(thd, key, "tables with system versioning have no foreign keys");
  if (vamos_key_of_columns(parent, parent_columns) == MAX_KEY)
    return refuse(thd, key, "no index of the referenced table begins with the whole columns");
  for (size_t i = 0; i < columns.size(); i++) {
    const Field *from = child->field[columns[i]], *to = parent->field[parent_columns[i]];
    if (!vamos_columns_fit(from, to))
      return refuse(thd, key, "a column and the one that it refers to are of different types");
    if (key.on_update == FK_OPTION_CASCADE && !from->real_maybe_null() && to->real_maybe_null())
      return refuse(thd, key, "a NOT NULL column would follow one that can be NULL");
  }
  return 0;
}

} // namespace

int vamos_new_foreign_keys(THD *thd, const char *path, TABLE *form, HA_CREATE_INFO *info, Vamos_foreign_keys &keys) {
  const std::string own = named_table(thd, path);
  const bool checks = vamos_checks_foreign_keys(thd);
  std::string database, table;
  vamos_split_name(own, database, table);
  ulong number = 0;
  if (info->alter_info) {
    List_iterator<Key> list(info->alter_info->key_list);
    while (Key *item = list++) {
      if (item->type != Key::FOREIGN_KEY)
        continue;
      Foreign_key *parsed = static_cast<Foreign_key *>(item);
      /* CREATE TABLE .. LIKE does not take them over. */
      if (parsed->old && thd_sql_command(thd) == SQLCOM_CREATE_TABLE)
        continue;
      Vamos_foreign_key key;
      if (parsed->constraint_name.str)
        key.name.assign(parsed->constraint_name.str, parsed->constraint_name.length);
      number = std::max(number, generated_number(key.name, table));
      key.child = own;
      const std::string parent_db = parsed->ref_db.str ? lowered(parsed->ref_db) : database;
      key.parent = vamos_host_name(parent_db.c_str(), lowered(parsed->ref_table).c_str());
      add_columns(parsed->columns, key.columns);
      add_columns(parsed->ref_columns, key.parent_columns);
      key.on_delete = action_of(parsed->delete_opt);
      key.on_update = action_of(parsed->update_opt);
      keys.push_back(key);
    }
  }
  if (info->tmp_table())
    return keys.empty() ? 0 : refuse(thd, keys.front(), "temporary tables have no foreign keys");
  const int error = vamos_foreign_load(vamos_connection(thd));
  if (error)
    return error;
  const std::string directory = own.substr(0, own.find('/'));
  for (size_t i = 0; i < keys.size(); i++) {
    Vamos_foreign_key &key = keys[i];
    if (key.name.empty())
      key.name = table + "_ibfk_" + std::to_string(++number);
    bool taken = vamos_foreign_name_taken(directory.c_str(), key.name.c_str(), own.c_str());
    for (size_t j = 0; j < i && !taken; j++)
      taken = !my_strcasecmp(system_charset_info, keys[j].name.c_str(), key.name.c_str());
    if (taken)
      return HA_ERR_FOUND_DUPP_KEY;
    std::vector<uint> columns;
    int refused = check_child(thd, form->s, key, columns);
    if (refused)
      return refused;
    const Vamos_other_table other(thd, key.parent);
    if (other.error())
      return other.error();
    const TABLE_SHARE *parent = key.parent == own ? form->s : other.get();
    if (checks || parent)
      refused = check_parent(thd, form->s, columns, parent, key);
    if (refused)
      return refused;
  }
  /* The table may be one that others refer to already: ALTER TABLE makes it anew,
     or it was missing while nothing was checked. */
  for (const Vamos_foreign_key &key : vamos_foreign_keys(own, true)) {
    const Vamos_other_table other(thd, key.child);
    if (other.error())
      return other.error();
    std::vector<uint> columns;
    if (key.child == own || !checks || !other.get() || !vamos_columns(other.get(), key.columns, columns))
      continue;
    const int refused = check_parent(thd, other.get(), columns, form->s, key);
    if (refused)
      return refused;
  }
  return 0;
}

/* ---- ALTER TABLE without a copy ---- */

namespace {

/* Whether these columns stay what they are. */
bool keeps_columns(const TABLE *table, const TABLE *altered, Alter_inplace_info *alter,
                   const std::vector<std::string> &names) {
  std::vector<uint> was, is;
  if (!vamos_columns(table->s, names, was) || !vamos_columns(altered->s, names, is))
    return false;
  for (size_t i = 0; i < names.size(); i++) {
    const Field *old_field = table->field[was[i]], *new_field = altered->field[is[i]];
    const Create_field *column = alter->alter_info->create_list.elem(is[i]);
    if (!column || column->field != old_field)
      return false;
    if (old_field->real_maybe_null() != new_field->real_maybe_null() || !vamos_columns_fit(old_field, new_field))
      return false;
  }
  return true;
}

/* The name of a key that goes and that the columns cannot do without. */
const char *needed_key(const TABLE *table, const TABLE *altered, const std::vector<std::string> &names) {
  std::vector<uint> was, is;
  vamos_columns(table->s, names, was);
  vamos_columns(altered->s, names, is);
  const uint old_key = vamos_key_of_columns(table->s, was);
  if (old_key == MAX_KEY || vamos_key_of_columns(altered->s, is) != MAX_KEY)
    return nullptr;
  return table->s->key_info[old_key].name.str;
}

} // namespace

bool vamos_keys_forbid_alter(TABLE *table, TABLE *altered, Alter_inplace_info *alter, bool *error) {
  const std::string own = vamos_table_name(table->s->normalized_path.str);
  Vamos_foreign_keys keys = vamos_foreign_keys(own, false);
  const size_t own_keys = keys.size();
  for (const Vamos_foreign_key &key : vamos_foreign_keys(own, true))
    keys.push_back(key);
  for (size_t i = 0; i < keys.size(); i++) {
    const std::vector<std::string> &names = i < own_keys ? keys[i].columns : keys[i].parent_columns;
    if (!keeps_columns(table, altered, alter, names))
      return true;
    const char *needed = alter->index_drop_count ? needed_key(table, altered, names) : nullptr;
    if (needed && vamos_checks_foreign_keys(table->in_use)) {
      my_error(ER_DROP_INDEX_FK, MYF(0), needed);
      *error = true;
      return true;
    }
  }
  return false;
}
