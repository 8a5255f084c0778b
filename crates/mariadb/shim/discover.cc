/* Tables that the server has no .frm file of: the host keeps a copy of it with
   each table, and the server asks for it

     discover_table_names()       SHOW TABLES, DROP DATABASE
     discover_table_existence()   CREATE TABLE, RENAME TABLE
     discover_table()             opening a table without a .frm file; it is written anew
     drop_database()              DROP DATABASE, for what is left

   For a table that it does not know the server asks every engine, so a host that
   is away is here a host without tables: statements on other tables go on. */
#include "handler.h"
#include <log.h>
#include <sql_table.h>
#include <fstream>
#include <iterator>
#include <string>

namespace {

/* The copy is as large as the file; the server reads no larger ones. */
const size_t MAX_FILE = 16 << 20;

std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return bytes.size() > MAX_FILE ? std::string() : bytes;
}

const uint8_t *bytes_of(const std::string &text) { return reinterpret_cast<const uint8_t *>(text.data()); }

/* The name of a database's directory. */
std::string directory_of(const char *database) {
  char name[FN_REFLEN];
  return std::string(name, tablename_to_filename(database, name, sizeof name));
}

} // namespace

std::string vamos_host_name(const char *database, const char *table) {
  return directory_of(database) + "/" + directory_of(table);
}

namespace {

/* What became of a question to the host, as the server wants it. */
int answer(THD *thd, int error) {
  char sentence[1024] = "";
  switch (error) {
  case 0:
  case HA_ERR_NO_SUCH_TABLE:
    return error;
  case HA_ERR_NO_CONNECTION:
  case HA_ERR_ROLLBACK:
    vamos_error_text(vamos_connection(thd), error, sentence, sizeof sentence);
    /* A note: a warning fails statements in strict mode. */
    push_warning_printf(thd, Sql_condition::WARN_LEVEL_NOTE, ER_CONNECT_TO_FOREIGN_DATA_SOURCE,
                        "VAMOS: the host was not asked for tables: %s", sentence);
    return HA_ERR_NO_SUCH_TABLE;
  default:
    vamos_report_ddl(thd, error);
    return HA_ERR_GENERIC;
  }
}

struct Discovery {
  THD *thd;
  TABLE_SHARE *share;
  int error;
};

void found(void *place, const uint8_t *image, size_t image_length, const uint8_t *partitions,
           size_t partitions_length) {
  Discovery *discovery = static_cast<Discovery *>(place);
  if (!image_length) {
    discovery->error = HA_ERR_NO_SUCH_TABLE;
    return;
  }
  discovery->error = discovery->share->init_from_binary_frm_image(
      discovery->thd, true, image, image_length, partitions_length ? partitions : nullptr, partitions_length);
}

int discover_table(handlerton *, THD *thd, TABLE_SHARE *share) {
  Discovery discovery = {thd, share, 0};
  const std::string name = vamos_table_name(share->normalized_path.str);
  /* What the server makes for itself is never looked for. */
  if (name.find('#') != std::string::npos)
    return HA_ERR_NO_SUCH_TABLE;
  const int error = answer(thd, vamos_discover(vamos_connection(thd), name.c_str(), &discovery, found));
  return error ? error : discovery.error;
}

int add_name(void *place, const char *name) {
  return static_cast<handlerton::discovered_list *>(place)->add_file(name);
}

int discover_table_names(handlerton *, LEX_CSTRING *database, MY_DIR *, handlerton::discovered_list *list) {
  THD *thd = current_thd;
  const int error = vamos_list_tables(vamos_connection(thd), directory_of(database->str).c_str(), list, add_name);
  return answer(thd, error) == HA_ERR_GENERIC;
}

int discover_table_existence(handlerton *, const char *database, const char *table) {
  THD *thd = current_thd;
  uint8_t exists = 0;
  const int error = vamos_table_exists(vamos_connection(thd), vamos_host_name(database, table).c_str(), &exists);
  if (!answer(thd, error))
    return exists;
  /* Not known: then the file says it, if there is one. */
  char path[FN_REFLEN + 1];
  build_table_filename(path, sizeof path - 1, database, table, reg_ext, 0);
  return my_access(path, F_OK) == 0;
}

/* Called by DROP DATABASE when all tables that the server knows of are dropped: what
   is left then, no statement can name. InnoDB drops it here, too. `path` ends in a
   slash. */
void drop_database(handlerton *, char *path) {
  std::string name = path;
  while (!name.empty() && name.back() == '/')
    name.pop_back();
  name.erase(0, name.rfind('/') + 1);
  size_t dropped = 0;
  const int error = vamos_drop_database(vamos_connection(current_thd), name.c_str(), &dropped);
  if (error && error != HA_ERR_NO_CONNECTION)
    sql_print_warning("VAMOS: the host keeps tables of database %s, which was dropped (error %d)", name.c_str(), error);
  if (dropped)
    sql_print_information("VAMOS: dropped %zu tables that were left in database %s", dropped, name.c_str());
}

/* Called when the .frm and .par files of a partitioned table are made, renamed or
   deleted. Of a new table nothing is known here yet; see create(). */
int create_partitioning_metadata(const char *path, const char *old_path, chf_create_flags action) {
  THD *thd = current_thd;
  if (action == CHF_DELETE_FLAG) {
    const std::string name = vamos_table_name(path ? path : old_path);
    return vamos_report_ddl(thd, vamos_drop_partitioned(vamos_connection(thd), name.c_str()));
  }
  if (action != CHF_RENAME_FLAG)
    return 0;
  const int error = vamos_rename_partitioned(vamos_connection(thd), vamos_table_name(old_path).c_str(),
                                             vamos_table_name(path).c_str());
  /* The files that ALTER TABLE has made for the table's new partitions. */
  if (error == HA_ERR_NO_SUCH_TABLE)
    return vamos_report_ddl(thd, vamos_keep_partitioned(thd, path, path));
  return vamos_report_ddl(thd, error);
}

} // namespace

void vamos_install_discovery(handlerton *hton) {
  hton->discover_table = discover_table;
  hton->discover_table_names = discover_table_names;
  hton->discover_table_existence = discover_table_existence;
  hton->drop_database = drop_database;
  hton->create_partitioning_metadata = create_partitioning_metadata;
}

/* Keeps the image that lies in `image_path`.frm with the table at `path`; nothing
   if there is no such file. */
int vamos_keep_image(THD *thd, const char *path, const char *image_path) {
  const std::string image = read_file(std::string(image_path) + reg_ext);
  if (image.empty())
    return 0;
  return vamos_define(vamos_connection(thd), vamos_table_name(path).c_str(), bytes_of(image), image.size());
}

/* The same for a partitioned table, by its .frm and its .par file. */
int vamos_keep_partitioned(THD *thd, const char *base, const char *files) {
  const std::string image = read_file(std::string(files) + reg_ext);
  const std::string partitions = read_file(std::string(files) + ".par");
  if (image.empty() || partitions.empty())
    return 0;
  return vamos_define_partitioned(vamos_connection(thd), vamos_table_name(base).c_str(), bytes_of(image),
                                  image.size(), bytes_of(partitions), partitions.size());
}

/* Called in create() for each partition of a new table: the first tells of them all. */
int vamos_keep_new_partitioned(THD *thd, const std::string &base, const LEX_CUSTRING &image) {
  static thread_local struct {
    query_id_t query;
    std::string base;
  } last;
  if (last.query == thd->query_id && last.base == base)
    return 0;
  const std::string partitions = read_file(base + ".par");
  if (partitions.empty())
    return 0;
  const int error = vamos_define_partitioned(vamos_connection(thd), vamos_table_name(base.c_str()).c_str(), image.str,
                                             image.length, bytes_of(partitions), partitions.size());
  if (!error) {
    last.query = thd->query_id;
    last.base = base;
  }
  return error;
}

/* The path of the table that `path` is a partition of; empty if it is none. */
std::string vamos_base_of_partition(const char *path) {
  const char *file = strrchr(path, '/');
  const char *mark = strstr(file ? file : path, "#P#");
  return mark ? std::string(path, mark) : std::string();
}
