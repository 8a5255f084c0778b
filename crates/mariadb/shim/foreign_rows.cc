/* What a change of a row concerns in other tables: the row that it refers to must be
   there, and the rows that refer to it keep it, or follow it. See foreign.h.

   A row that refers locks what it refers to (shared), by that table's index alone:
   the table itself is not open. A row that goes or changes its key is locked first,
   so that no row can begin to refer to it, and then the rows that refer to it are
   looked for. Those that follow it are changed by the handler of their own table,
   which the server has opened for that (prelocking), and so on from there. */
#include "foreign.h"
#include "handler.h"
#include <sql_show.h>
#include <algorithm>

/* In sql_class.cc. */
extern TABLE *find_fk_open_table(THD *thd, const char *db, size_t db_len, const char *table, size_t table_len);

namespace {

/* InnoDB's limit. */
const size_t MAX_DEPTH = 15;

struct Step {
  std::string table;
  bool updates;
};

/* The changes that led to the present one. */
thread_local std::vector<Step> steps;

class Deeper {
public:
  Deeper(const std::string &table, bool updates) { steps.push_back({table, updates}); }
  ~Deeper() { steps.pop_back(); }
  Deeper(const Deeper &) = delete;
};

/* An update that comes round to a table that is being updated. */
bool comes_round(const std::string &table) {
  for (const Step &step : steps)
    if (step.updates && step.table == table)
      return true;
  return false;
}

/* Where a change that followed its parent's met a duplicate. */
struct Duplicate {
  std::string table, key;
};

thread_local Duplicate duplicate_in;

class Listed {
public:
  ~Listed() { vamos_children_free(rust); }
  vamos_rust_children *rust = nullptr;
};

bool follows(enum_fk_option action) { return action == FK_OPTION_CASCADE || action == FK_OPTION_SET_NULL; }

/* Whether a value is another one, be it equal by its collation. */
bool is_changed(const TABLE *table, uint column, const uchar *old_record, const uchar *new_record) {
  const Field *field = table->field[column];
  const bool was_null = field->is_null_in_record(old_record), is_null = field->is_null_in_record(new_record);
  if (was_null || is_null)
    return was_null != is_null;
  if (field->real_type() == MYSQL_TYPE_BIT) {
    const my_ptrdiff_t length = new_record - old_record;
    Field *moved = table->field[column];
    const my_ptrdiff_t place = old_record - table->record[0];
    moved->move_field_offset(place);
    const longlong was = moved->val_int();
    moved->move_field_offset(length);
    const longlong is = moved->val_int();
    moved->move_field_offset(-place - length);
    return was != is;
  }
  return field->cmp_binary(field->ptr_in_record(old_record), field->ptr_in_record(new_record));
}

bool is_changed(const TABLE *table, const std::vector<uint> &columns, const uchar *old_record,
                const uchar *new_record) {
  for (uint column : columns)
    if (is_changed(table, column, old_record, new_record))
      return true;
  return false;
}

/* Puts a parent's value, which lies in `values`, into its child's column. */
bool copy_value(TABLE *parent, uint column, const uchar *values, Field *to) {
  Field *from = parent->field[column];
  const my_ptrdiff_t place = values - parent->record[0];
  from->move_field_offset(place);
  bool failed = false;
  if (from->is_null()) {
    failed = !to->real_maybe_null();
    if (!failed)
      to->set_null();
  } else {
    to->set_notnull();
    String was, is;
    failed = field_conv(to, from) != 0;
    /* What does not fit is cut off, of which nobody hears here. */
    if (!failed && vamos_order_of(to) == VAMOS_TEXT)
      failed = sortcmp(from->val_str(&was), to->val_str(&is), to->charset()) != 0;
  }
  from->move_field_offset(-place);
  return failed;
}

} // namespace

/* Whether the statement may leave out a row that is refused, and go on. A replica that
   applies rows may do so by its settings (slave_exec_mode, slave_skip_errors). */
bool ha_vamos::goes_on_after_errors() const {
  const LEX *lex = table->in_use->lex;
  return duplicates_matter || lex->ignore || lex->is_stmt_row_injection();
}

/* Whether other tables are to be looked at; finds the ways to them anew if any table
   was changed since. */
int ha_vamos::find_links(bool *some) {
  *some = false;
  THD *thd = table->in_use;
  if (is_sequence() || table_share->partition_info_str || !vamos_checks_foreign_keys(thd))
    return 0;
  const uint64_t version = vamos_foreign_version();
  if (version != links_version && !links_in_use) {
    const int unknown = vamos_foreign_load(connection());
    const int error = unknown ? unknown : make_links(thd);
    if (error)
      return error;
    links_version = version;
  }
  *some = !parents.empty() || !children.empty();
  return 0;
}

/* InnoDB goes through a table's indexes, and for each through the keys that use it:
   the first that refuses is the one that the user is told of. */
static void sort_by_index(const TABLE_SHARE *share, Vamos_foreign_keys &keys, bool referring) {
  const auto index_of = [&](const Vamos_foreign_key &key) {
    std::vector<uint> columns;
    vamos_columns(share, referring ? key.parent_columns : key.columns, columns);
    return vamos_key_of_columns(share, columns);
  };
  std::stable_sort(keys.begin(), keys.end(), [&](const Vamos_foreign_key &a, const Vamos_foreign_key &b) {
    return index_of(a) < index_of(b);
  });
}

int ha_vamos::make_links(THD *thd) {
  parents.clear();
  children.clear();
  vamos_links_clear(rust);
  const std::string own = host_name();
  const bool is_new = own.find('#') != std::string::npos;
  Vamos_foreign_keys keys = is_new ? vamos_keys_of_handler(rust) : vamos_foreign_keys(own, false);
  if (is_new) {
    /* What ALTER TABLE leaves as it was need not be checked. */
    const TABLE_LIST *first = thd->lex->first_select_lex()->table_list.first;
    const std::string was = first ? vamos_host_name(first->db.str, first->table_name.str) : own;
    const Vamos_foreign_keys old = vamos_foreign_keys(was, false);
    keys.erase(std::remove_if(keys.begin(), keys.end(),
                              [&](const Vamos_foreign_key &key) {
                                for (const Vamos_foreign_key &other : old)
                                  if (vamos_same_key(key, other))
                                    return true;
                                return false;
                              }),
               keys.end());
    for (Vamos_foreign_key &key : keys)
      key.child = was;
  }
  Vamos_foreign_keys referring = is_new ? Vamos_foreign_keys() : vamos_foreign_keys(own, true);
  sort_by_index(table_share, keys, false);
  sort_by_index(table_share, referring, true);
  int error = 0;
  for (const Vamos_foreign_key &key : keys)
    if (!error)
      error = add_link(thd, key, own, false);
  for (const Vamos_foreign_key &key : referring)
    if (!error)
      error = add_link(thd, key, own, true);
  return error;
}

int ha_vamos::add_link(THD *thd, const Vamos_foreign_key &key, const std::string &own, bool to_child) {
  Vamos_link link;
  link.key = key;
  std::vector<Vamos_link> &links = to_child ? children : parents;
  const std::string &other_name = to_child ? key.child : key.parent;
  const Vamos_other_table other(thd, other_name);
  if (other.error())
    return other.error();
  const TABLE_SHARE *share = other_name == own ? table_share : other.get();
  std::vector<uint> columns;
  const std::vector<std::string> &other_columns = to_child ? key.columns : key.parent_columns;
  if (!vamos_columns(table_share, to_child ? key.parent_columns : key.columns, link.columns))
    return HA_ERR_TABLE_DEF_CHANGED;
  const uint index = share && vamos_columns(share, other_columns, columns) ? vamos_key_of_columns(share, columns) : MAX_KEY;
  bool fits = index != MAX_KEY;
  for (size_t i = 0; fits && i < columns.size(); i++)
    fits = vamos_columns_fit(table_share->field[link.columns[i]], share->field[columns[i]]);
  if (fits) {
    const KEY &info = share->key_info[index];
    std::vector<vamos_link_part> parts;
    for (size_t i = 0; i < columns.size(); i++)
      parts.push_back({link.columns[i], columns[i], static_cast<uint8_t>(info.key_part[i].null_bit != 0),
                       static_cast<uint8_t>((info.key_part[i].key_part_flag & HA_REVERSE_SORT) != 0)});
    link.index = index == share->primary_key ? 0 : share->primary_key == MAX_KEY || index < share->primary_key ? index + 1 : index;
    link.rust = static_cast<int>(std::count_if(links.begin(), links.end(), [](const Vamos_link &l) { return l.rust >= 0; }));
    vamos_link what = {};
    what.other = other_name.c_str();
    what.to_child = to_child;
    what.unique = (info.flags & HA_NOSAME) && info.user_defined_key_parts == columns.size();
    what.index = link.index;
    what.index_count = vamos_index_count(share);
    what.version = vamos_version_of(share);
    what.parts = parts.data();
    what.part_count = static_cast<uint32_t>(parts.size());
    const int error = vamos_link_add(rust, connection(), &what);
    if (error)
      return error == HA_ERR_NO_SUCH_TABLE ? HA_ERR_TABLE_DEF_CHANGED : error;
  }
  links.push_back(link);
  return 0;
}

/* Keeps the constraint for the message; returns `error`. */
int ha_vamos::refuse_row(int error, const Vamos_link &link) {
  std::string database, child;
  vamos_split_name(link.key.child, database, child);
  String text;
  THD *thd = table->in_use;
  append_identifier(thd, &text, database.data(), static_cast<uint>(database.size()));
  text.append('.');
  append_identifier(thd, &text, child.data(), static_cast<uint>(child.size()));
  text.append(STRING_WITH_LEN(", "));
  vamos_append_constraint(thd, &text, link.key);
  vamos_keep_error(connection(), error, reinterpret_cast<const uint8_t *>(text.ptr()), text.length());
  return error;
}

/* The rows that this one refers to; `old_record` is null for a new row. */
int ha_vamos::check_parents(const uchar *old_record, const uchar *new_record) {
  for (const Vamos_link &link : parents) {
    uint8_t has = 0;
    bool refers = true;
    for (uint column : link.columns)
      refers = refers && !table->field[column]->is_null_in_record(new_record);
    if (!refers || (old_record && !is_changed(table, link.columns, old_record, new_record)))
      continue;
    const int error =
        link.rust < 0 ? 0 : vamos_has_parent(rust, connection(), link.rust, old_record, new_record, &has);
    if (error)
      return error;
    if (!has)
      return refuse_row(HA_ERR_NO_REFERENCED_ROW, link);
  }
  return 0;
}

/* The rows that keep this one; `new_record` is null if it goes. */
int ha_vamos::check_children(const uchar *old_record, const uchar *new_record) {
  for (const Vamos_link &link : children) {
    const enum_fk_option action = new_record ? link.key.on_update : link.key.on_delete;
    if (link.rust < 0 || follows(action) || (new_record && !is_changed(table, link.columns, old_record, new_record)))
      continue;
    uint8_t has = 0;
    const int error = vamos_has_children(rust, connection(), link.rust, old_record, &has);
    if (error)
      return error;
    if (has)
      return refuse_row(HA_ERR_ROW_IS_REFERENCED, link);
  }
  return 0;
}

/* The rows that follow this one, which was changed, or is gone. */
int ha_vamos::change_children(const uchar *old_record, const uchar *new_record) {
  std::vector<uchar> was, is;
  int error = 0;
  links_in_use++;
  for (const Vamos_link &link : children) {
    const enum_fk_option action = new_record ? link.key.on_update : link.key.on_delete;
    if (error || link.rust < 0 || !follows(action))
      continue;
    if (was.empty()) {
      /* The buffers may be used again on the way. */
      was.assign(old_record, old_record + table_share->reclength);
      if (new_record)
        is.assign(new_record, new_record + table_share->reclength);
    }
    if (!new_record || is_changed(table, link.columns, was.data(), is.data()))
      error = change_children_by(link, action, was.data(), new_record ? is.data() : nullptr);
  }
  links_in_use--;
  return error;
}

int ha_vamos::change_children_by(const Vamos_link &link, enum_fk_option action, const uchar *old_record,
                                 const uchar *new_record) {
  THD *thd = table->in_use;
  const bool updates = new_record || action == FK_OPTION_SET_NULL;
  Listed list;
  int error = vamos_children_list(rust, connection(), link.rust, link.index, old_record, &list.rust);
  if (error || vamos_children_empty(list.rust))
    return error;
  Deeper deeper(host_name(), new_record != nullptr);
  if (updates && comes_round(link.key.child))
    return refuse_row(HA_ERR_ROW_IS_REFERENCED, link);
  if (steps.size() > MAX_DEPTH)
    return refuse_row(HA_ERR_FK_DEPTH_EXCEEDED, link);
  std::string database, name;
  vamos_split_name(link.key.child, database, name);
  TABLE *child = find_fk_open_table(thd, database.data(), database.size(), name.data(), name.size());
  if (!child || child->file->ht != vamos_hton || child->part_info)
    return HA_ERR_TABLE_DEF_CHANGED;
  ha_vamos *other = static_cast<ha_vamos *>(child->file);
  other->locked_for_write = true;
  other->lock_type = TL_WRITE;
  other->apply_use(thd);
  MY_BITMAP *const read_set = child->read_set, *const write_set = child->write_set;
  child->use_all_columns();
  const Check_level_instant_set no_warnings(thd, CHECK_FIELD_IGNORE);
  for (;;) {
    uint8_t found = 0;
    error = vamos_children_next(list.rust, other->rust, connection(), child->record[0], &found);
    if (error || !found)
      break;
    error = other->change_child(link, action, table, new_record);
    if (error)
      break;
  }
  /* For the server the parent's own duplicate would be one that IGNORE may leave out. */
  if (error == HA_ERR_FOUND_DUPP_KEY) {
    error = HA_ERR_FOREIGN_DUPLICATE_KEY;
    const uint key = vamos_duplicate_key(connection());
    duplicate_in = {name, key < child->s->keys ? child->key_info[key].name.str : ""};
  }
  child->column_bitmaps_set(read_set, write_set);
  return error;
}

/* Called to tell of HA_ERR_FOREIGN_DUPLICATE_KEY: which table and key; false if that is
   not known. */
bool ha_vamos::get_foreign_dup_key(char *child_table, uint child_table_size, char *child_key, uint child_key_size) {
  if (duplicate_in.key.empty())
    return false;
  strmake(child_table, duplicate_in.table.c_str(), child_table_size - 1);
  strmake(child_key, duplicate_in.key.c_str(), child_key_size - 1);
  return true;
}

/* Changes, or deletes, the row in record[0] as its parent says. */
int ha_vamos::change_child(const Vamos_link &link, enum_fk_option action, TABLE *parent, const uchar *values) {
  if (table->vfield)
    table->update_virtual_fields(this, VCOL_UPDATE_FOR_READ);
  if (action == FK_OPTION_CASCADE && !values)
    return delete_row(table->record[0]);
  std::vector<uint> columns;
  if (!vamos_columns(table_share, link.key.columns, columns))
    return HA_ERR_TABLE_DEF_CHANGED;
  store_record(table, record[1]);
  for (size_t i = 0; i < columns.size(); i++) {
    Field *field = table->field[columns[i]];
    if (action == FK_OPTION_SET_NULL)
      field->set_null();
    else if (copy_value(parent, link.columns[i], values, field))
      return refuse_row(HA_ERR_ROW_IS_REFERENCED, link);
  }
  if (table->vfield)
    table->update_virtual_fields(this, VCOL_UPDATE_FOR_WRITE);
  const int error = update_row(table->record[1], table->record[0]);
  return error == HA_ERR_RECORD_IS_THE_SAME ? 0 : error;
}

/* Called before a change that a foreign key may refuse. */
int ha_vamos::mark_row() {
  const bool marks = steps.empty() && goes_on_after_errors();
  return marks ? vamos_row_mark(connection()) : 0;
}

/* Called with what became of it: what is refused leaves nothing, where the statement
   goes on. */
int ha_vamos::settle_row(int error) {
  const bool refused = error == HA_ERR_NO_REFERENCED_ROW || error == HA_ERR_ROW_IS_REFERENCED ||
                       error == HA_ERR_FK_DEPTH_EXCEEDED || error == HA_ERR_FOREIGN_DUPLICATE_KEY;
  if (!refused || !steps.empty() || !goes_on_after_errors())
    return error;
  const int undone = vamos_row_undo(connection());
  return undone ? undone : error;
}
