/* DDL: CREATE, DROP, RENAME, TRUNCATE, and what CREATE refuses. */
#include "handler.h"
#include <string>

/* The host's name for the table: MariaDB's path without its beginning, as
   `database/table`, both encoded as for file names. */
std::string vamos_table_name(const char *path) {
  std::string name = path;
  const size_t table = name.rfind('/');
  if (table == std::string::npos || table == 0)
    return name;
  const size_t database = name.rfind('/', table - 1);
  return database == std::string::npos ? name : name.substr(database + 1);
}

/* The primary index, explicit or hidden, and the secondary ones. */
uint vamos_index_count(const TABLE_SHARE *share) {
  return share->keys + (share->primary_key == MAX_KEY ? 1 : 0);
}

static int refuse(const char *what) {
  my_error(ER_ILLEGAL_HA_CREATE_OPTION, MYF(0), "VAMOS", what);
  return HA_WRONG_CREATE_OPTION;
}

/* What the parser lets through and this engine does not have. FULLTEXT and
   SPATIAL indexes are refused by the server itself, by the engine's flags. All rows
   have one format, whatever they are declared to have; but formats that InnoDB does
   not know are refused as there. */
int vamos_refuse_unsupported(TABLE *form, HA_CREATE_INFO *info) {
  if (info->data_file_name && *info->data_file_name)
    return refuse("DATA DIRECTORY");
  if (info->index_file_name && *info->index_file_name)
    return refuse("INDEX DIRECTORY");
  if (info->row_type == ROW_TYPE_FIXED || info->row_type == ROW_TYPE_PAGE)
    return refuse("ROW_TYPE");
  for (uint i = 0; i < form->s->keys; i++) {
    if (form->key_info[i].algorithm == HA_KEY_ALG_RTREE)
      return refuse("SPATIAL");
    if (form->key_info[i].algorithm == HA_KEY_ALG_FULLTEXT)
      return refuse("FULLTEXT");
  }
  return 0;
}

/* The image of the .frm file that the server is about to write. */
static LEX_CUSTRING image_of(const TABLE_SHARE *share) {
  return share->frm_image ? *share->frm_image : LEX_CUSTRING{nullptr, 0};
}

/* Keys as boundary.h has them; points into them. */
class Plain_keys {
public:
  explicit Plain_keys(const Vamos_foreign_keys &keys) {
    for (const Vamos_foreign_key &key : keys) {
      names.push_back(pointers(key.columns));
      names.push_back(pointers(key.parent_columns));
    }
    for (size_t i = 0; i < keys.size(); i++)
      all.push_back({keys[i].name.c_str(), keys[i].child.c_str(), keys[i].parent.c_str(), names[2 * i].data(),
                     names[2 * i + 1].data(), static_cast<uint32_t>(keys[i].columns.size()),
                     static_cast<uint8_t>(keys[i].on_delete), static_cast<uint8_t>(keys[i].on_update)});
  }
  std::vector<vamos_foreign_key> all;

private:
  static std::vector<const char *> pointers(const std::vector<std::string> &texts) {
    std::vector<const char *> list;
    for (const std::string &text : texts)
      list.push_back(text.c_str());
    return list;
  }
  std::vector<std::vector<const char *>> names;
};

/* Called for CREATE TABLE and for the new table of an ALTER TABLE. The file of an
   engine that can discover tables is not written by the server; by us it is, so
   that the table is known while the host is away. */
int ha_vamos::create(const char *name, TABLE *form, HA_CREATE_INFO *info) {
  const int refused = vamos_refuse_unsupported(form, info);
  if (refused)
    return refused;
  THD *thd = current_thd;
  const std::string base = vamos_base_of_partition(name);
  Vamos_foreign_keys keys;
  const int keys_refused = base.empty() ? vamos_new_foreign_keys(thd, name, form, info, keys) : 0;
  if (keys_refused)
    return vamos_report_ddl(thd, keys_refused);
  const Plain_keys plain(keys);
  const LEX_CUSTRING image = image_of(form->s);
  const bool temporary = info->tmp_table();
  const ulonglong first = info->auto_increment_value ? info->auto_increment_value : 1;
  int error = vamos_create_table(vamos_connection(thd), vamos_table_name(name).c_str(), vamos_index_count(form->s),
                                 first, image.str, base.empty() && !temporary ? image.length : 0,
                                 base.empty() && !temporary ? vamos_version_of(form->s) : nullptr, temporary,
                                 plain.all.data(), plain.all.size());
  if (!error && !base.empty() && image.length)
    error = vamos_keep_new_partitioned(thd, base, image);
  vamos_report_ddl(thd, error);
  if (!error && base.empty() && !temporary && image.length && form->s->write_frm_image(image.str, image.length)) {
    error = my_errno ? my_errno : HA_ERR_GENERIC;
    vamos_drop_table(vamos_connection(thd), vamos_table_name(name).c_str(), 1);
  }
  return error;
}

/* For a table that it does not know the server asks every engine: a host that is
   away must not make DROP TABLE IF EXISTS fail for tables that are not ours. */
static bool may_be_ours(const char *name) {
  return strchr(name, '#') || my_access((std::string(name) + reg_ext).c_str(), F_OK) == 0;
}

/* Whether other tables refer to it. A database may go with all that is in it. */
static bool is_referenced(THD *thd, const std::string &name) {
  if (!vamos_checks_foreign_keys(thd) || vamos_foreign_load(vamos_connection(thd)))
    return false;
  const std::string database = name.substr(0, name.find('/') + 1);
  for (const Vamos_foreign_key &key : vamos_foreign_keys(name, true)) {
    const bool goes_too = thd_sql_command(thd) == SQLCOM_DROP_DB && !key.child.compare(0, database.size(), database);
    if (key.child != name && !goes_too)
      return true;
  }
  return false;
}

/* Whether the statement drops what it has made, or replaces: a part of a new table was
   committed before the others. */
static bool makes_tables(THD *thd) {
  return thd_sql_command(thd) == SQLCOM_CREATE_TABLE || vamos_remakes_table(thd);
}

int ha_vamos::delete_table(const char *name) {
  if (is_referenced(current_thd, vamos_table_name(name))) {
    /* The message names no constraint: none of a statement before. */
    vamos_keep_error(vamos_connection(current_thd), 0, nullptr, 0);
    return HA_ERR_ROW_IS_REFERENCED;
  }
  const int error =
      vamos_drop_table(vamos_connection(current_thd), vamos_table_name(name).c_str(), makes_tables(current_thd));
  /* A temporary table that was lost with its worker is dropped already. */
  if (error == HA_ERR_NO_SUCH_TABLE && strstr(name, "#sql-temptable"))
    return 0;
  return error == HA_ERR_NO_CONNECTION && !may_be_ours(name) ? HA_ERR_NO_SUCH_TABLE : error;
}

int ha_vamos::rename_table(const char *from, const char *to) {
  THD *thd = current_thd;
  int error = vamos_rename_table(vamos_connection(thd), vamos_table_name(from).c_str(), vamos_table_name(to).c_str());
  /* EXCHANGE and CONVERT PARTITION: a partition has no description of its own. */
  if (!error && !vamos_base_of_partition(from).empty() && vamos_base_of_partition(to).empty())
    error = vamos_keep_image(thd, to, to);
  return vamos_report_ddl(thd, error);
}

int ha_vamos::truncate() { return vamos_truncate(rust, connection()); }

int ha_vamos::reset_auto_increment(ulonglong value) {
  return vamos_auto_increment_reset(rust, connection(), value ? value : 1);
}

/* Called by SHOW CREATE TABLE, and by ALTER TABLE for what it does not change. */
void ha_vamos::update_create_info(HA_CREATE_INFO *info_) {
  if (!(info_->used_fields & HA_CREATE_USED_AUTO)) {
    info(HA_STATUS_AUTO);
    info_->auto_increment_value = stats.auto_increment_value;
  }
}

/* Called by ALTER TABLE: whether the rows can stay as they are. */
bool ha_vamos::check_if_incompatible_data(HA_CREATE_INFO *info_, uint table_changes) {
  if (table_changes != IS_EQUAL_YES)
    return COMPATIBLE_DATA_NO;
  if (info_->used_fields & (HA_CREATE_USED_AUTO | HA_CREATE_USED_DATADIR | HA_CREATE_USED_INDEXDIR))
    return COMPATIBLE_DATA_NO;
  return COMPATIBLE_DATA_YES;
}
