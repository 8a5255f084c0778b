/* information_schema.VAMOS_TABLES and VAMOS_INDEXES: the host's catalogue. Like
   InnoDB's tables of this kind they want the PROCESS privilege, since they show
   tables of all databases. */
#include "handler.h"
#include "information_schema.h"
#include <sql_acl.h>
#include <sql_base.h>
#include <sql_i_s.h>
#include <sql_show.h>
#include <sql_table.h>
#include <table_cache.h>

struct st_mysql_information_schema vamos_information_schema = {MYSQL_INFORMATION_SCHEMA_INTERFACE_VERSION};

namespace Show {

/* Made when first asked for and not when the plugin is loaded: the tests' programs,
   which have no server in them, hold this code too. */
static ST_FIELD_INFO *tables_columns() {
  static ST_FIELD_INFO columns[] = {
      Column("TABLE_SCHEMA", Name(), NOT_NULL),
      Column("TABLE_NAME", Name(), NOT_NULL),
      Column("PARTITION_NAME", Varchar(NAME_CHAR_LEN * 2), NULLABLE),
      Column("TABLE_ID", ULonglong(), NOT_NULL),
      Column("INDEXES", ULonglong(), NOT_NULL),
      Column("TABLE_ROWS", ULonglong(), NOT_NULL),
      Column("DATA_BYTES", ULonglong(), NOT_NULL),
      Column("INDEX_BYTES", ULonglong(), NOT_NULL),
      Column("AUTO_INCREMENT", ULonglong(), NOT_NULL),
      Column("NEXT_ROW_ID", ULonglong(), NOT_NULL),
      CEnd()};
  return columns;
}

static ST_FIELD_INFO *indexes_columns() {
  static ST_FIELD_INFO columns[] = {
      Column("TABLE_SCHEMA", Name(), NOT_NULL),
      Column("TABLE_NAME", Name(), NOT_NULL),
      Column("PARTITION_NAME", Varchar(NAME_CHAR_LEN * 2), NULLABLE),
      Column("TABLE_ID", ULonglong(), NOT_NULL),
      Column("INDEX_NAME", Name(), NULLABLE),
      Column("INDEX_ID", ULonglong(), NOT_NULL),
      Column("POSITION", ULonglong(), NOT_NULL),
      Column("ENTRIES", ULonglong(), NOT_NULL),
      Column("BYTES", ULonglong(), NOT_NULL),
      CEnd()};
  return columns;
}

} // namespace Show

static std::string decoded(const std::string &file) {
  char text[NAME_LEN * 2 + 1];
  const uint length = filename_to_tablename(file.c_str(), text, sizeof text, true);
  return std::string(text, length);
}

Table_name::Table_name(std::string name) {
  const size_t slash = name.find('/');
  if (slash != std::string::npos) {
    schema = decoded(name.substr(0, slash));
    name.erase(0, slash + 1);
  }
  size_t part = name.find("#P#");
  if (part == std::string::npos)
    part = name.find("#p#");
  if (part != std::string::npos) {
    partition = decoded(name.substr(part + 3));
    name.erase(part);
  }
  table = decoded(name);
}

void vamos_store(Field *field, const std::string &text) {
  field->set_notnull();
  field->store(text.data(), text.size(), system_charset_info);
}

void vamos_store_or_null(Field *field, const std::string &text) {
  if (text.empty())
    field->set_null();
  else
    vamos_store(field, text);
}

std::vector<std::string> vamos_key_names(THD *thd, const Table_name &name) {
  std::vector<std::string> names;
  const LEX_CSTRING schema = {name.schema.c_str(), name.schema.size()};
  const LEX_CSTRING table = {name.table.c_str(), name.table.size()};
  Dummy_error_handler no_errors;
  thd->push_internal_handler(&no_errors);
  const MDL_savepoint savepoint = thd->mdl_context.mdl_savepoint();
  MDL_request request;
  MDL_REQUEST_INIT(&request, MDL_key::TABLE, schema.str, table.str, MDL_SHARED_HIGH_PRIO, MDL_TRANSACTION);
  if (!thd->mdl_context.try_acquire_lock(&request) && request.ticket) {
    TABLE_LIST list;
    list.init_one_table(&schema, &table, nullptr, TL_READ);
    list.mdl_request.ticket = request.ticket;
    if (TABLE_SHARE *share = tdc_acquire_share(thd, &list, GTS_TABLE)) {
      if (share->primary_key == MAX_KEY)
        names.push_back("");
      else
        names.push_back(share->key_info[share->primary_key].name.str);
      for (uint key = 0; key < share->keys; key++)
        if (key != share->primary_key)
          names.push_back(share->key_info[key].name.str);
      tdc_release_share(share);
    }
  }
  thd->mdl_context.rollback_to_savepoint(savepoint);
  thd->pop_internal_handler();
  return names;
}

namespace {

void store_name(Field **fields, const Table_name &name, uint64_t id) {
  vamos_store(fields[0], name.schema);
  vamos_store(fields[1], name.table);
  vamos_store_or_null(fields[2], name.partition);
  fields[3]->store(id, true);
}

int store_table(void *place, const vamos_table_sizes *sizes) {
  const Sink *sink = static_cast<Sink *>(place);
  Field **fields = sink->table->field;
  restore_record(sink->table, s->default_values);
  store_name(fields, Table_name(std::string(sizes->name, sizes->name_length)), sizes->table);
  uint64_t index_bytes = 0;
  for (uint32_t i = 1; i < sizes->index_count; i++)
    index_bytes += sizes->indexes[i].bytes;
  fields[4]->store(sizes->index_count, true);
  fields[5]->store(sizes->rows, true);
  fields[6]->store(sizes->index_count ? sizes->indexes[0].bytes : 0, true);
  fields[7]->store(index_bytes, true);
  fields[8]->store(sizes->auto_increment, true);
  fields[9]->store(sizes->row_id, true);
  return schema_table_store_record(sink->thd, sink->table);
}

int store_indexes(void *place, const vamos_table_sizes *sizes) {
  const Sink *sink = static_cast<Sink *>(place);
  Field **fields = sink->table->field;
  const Table_name name(std::string(sizes->name, sizes->name_length));
  const std::vector<std::string> names = vamos_key_names(sink->thd, name);
  for (uint32_t i = 0; i < sizes->index_count; i++) {
    restore_record(sink->table, s->default_values);
    store_name(fields, name, sizes->table);
    vamos_store_or_null(fields[4], i < names.size() ? names[i] : std::string());
    fields[5]->store(sizes->indexes[i].id, true);
    fields[6]->store(i, true);
    fields[7]->store(sizes->rows, true);
    fields[8]->store(sizes->indexes[i].bytes, true);
    if (schema_table_store_record(sink->thd, sink->table))
      return 1;
  }
  return 0;
}

int fill(THD *thd, TABLE_LIST *tables, vamos_table_visit visit) {
  if (check_global_access(thd, PROCESS_ACL))
    return 1;
  Sink sink = {thd, tables->table};
  return vamos_report_ddl(thd, vamos_visit_tables(vamos_connection(thd), &sink, visit)) != 0;
}

int fill_tables(THD *thd, TABLE_LIST *tables, COND *) { return fill(thd, tables, store_table); }
int fill_indexes(THD *thd, TABLE_LIST *tables, COND *) { return fill(thd, tables, store_indexes); }

} // namespace

int vamos_schema_table(void *schema, ST_FIELD_INFO *columns, int (*fill)(THD *, TABLE_LIST *, COND *)) {
  ST_SCHEMA_TABLE *table = static_cast<ST_SCHEMA_TABLE *>(schema);
  table->fields_info = columns;
  table->fill_table = fill;
  return 0;
}

int vamos_tables_init(void *schema) { return vamos_schema_table(schema, Show::tables_columns(), fill_tables); }
int vamos_indexes_init(void *schema) { return vamos_schema_table(schema, Show::indexes_columns(), fill_indexes); }
