/* information_schema.VAMOS_TRANSACTIONS, VAMOS_LOCKS and VAMOS_LOCK_WAITS: what the
   host knows of this guest's transactions. The rows are made in Rust; what the
   server alone knows is added here: keys' names, and what connections run. */
#include "handler.h"
#include "information_schema.h"
#include <sql_acl.h>
#include <sql_i_s.h>
#include <sql_show.h>
#include <map>

namespace Show {

/* Made when first asked for and not when the plugin is loaded: the tests' programs,
   which have no server in them, hold this code too. */

/* Seconds to the millisecond: 15 digits, 3 of them behind the point. */
static Decimal seconds() { return Decimal(100 * 15 + 3); }
/* A key's first 128 bytes in hexadecimal digits, behind 0x. */
static Varchar key_bytes() { return Varchar(2 + 2 * 128); }
static Varchar partition() { return Varchar(NAME_CHAR_LEN * 2); }

static ST_FIELD_INFO *transactions_columns() {
  static ST_FIELD_INFO columns[] = {
      Column("TRANSACTION_ID", ULonglong(), NOT_NULL),
      Column("STATE", Varchar(16), NOT_NULL),
      Column("ISOLATION", Varchar(16), NOT_NULL),
      Column("AGE_SECONDS", seconds(), NOT_NULL),
      Column("LOCKS", ULonglong(), NOT_NULL),
      Column("CHANGED_ENTRIES", ULonglong(), NOT_NULL),
      Column("WAIT_SECONDS", seconds(), NULLABLE),
      Column("WAITING_FOR", Varchar(1024), NULLABLE),
      Column("BLOCKING_TRANSACTION_ID", ULonglong(), NULLABLE),
      Column("CONNECTION_ID", ULonglong(), NULLABLE),
      Column("QUERY", Varchar(1024), NULLABLE),
      CEnd()};
  return columns;
}

static ST_FIELD_INFO *locks_columns() {
  static ST_FIELD_INFO columns[] = {
      Column("TRANSACTION_ID", ULonglong(), NOT_NULL),
      Column("TABLE_SCHEMA", Name(), NULLABLE),
      Column("TABLE_NAME", Name(), NULLABLE),
      Column("PARTITION_NAME", partition(), NULLABLE),
      Column("INDEX_NAME", Name(), NULLABLE),
      Column("INDEX_ID", ULonglong(), NOT_NULL),
      Column("LOCK_TYPE", Varchar(8), NOT_NULL),
      Column("LOCK_MODE", Varchar(1), NOT_NULL),
      Column("LOCK_KEY", key_bytes(), NULLABLE),
      Column("RANGE_END", key_bytes(), NULLABLE),
      Column("STATUS", Varchar(8), NOT_NULL),
      CEnd()};
  return columns;
}

static ST_FIELD_INFO *lock_waits_columns() {
  static ST_FIELD_INFO columns[] = {
      Column("WAITING_TRANSACTION_ID", ULonglong(), NOT_NULL),
      Column("WAITING_CONNECTION_ID", ULonglong(), NULLABLE),
      Column("BLOCKING_TRANSACTION_ID", ULonglong(), NOT_NULL),
      Column("BLOCKING_CONNECTION_ID", ULonglong(), NULLABLE),
      Column("WAIT_SECONDS", seconds(), NOT_NULL),
      Column("TABLE_SCHEMA", Name(), NULLABLE),
      Column("TABLE_NAME", Name(), NULLABLE),
      Column("PARTITION_NAME", partition(), NULLABLE),
      Column("INDEX_NAME", Name(), NULLABLE),
      Column("INDEX_ID", ULonglong(), NOT_NULL),
      Column("LOCK_TYPE", Varchar(8), NOT_NULL),
      Column("LOCK_MODE", Varchar(1), NOT_NULL),
      Column("LOCK_KEY", key_bytes(), NULLABLE),
      CEnd()};
  return columns;
}

} // namespace Show

namespace {

/* Fills rows from cells. */
class Rows : public Sink {
public:
  Rows(THD *thd, TABLE *table) : Sink{thd, table} {}

  int store(const vamos_cell *cells, uint32_t count) {
    restore_record(table, s->default_values);
    next = table->field;
    for (uint32_t i = 0; i < count; i++)
      store(cells[i]);
    return schema_table_store_record(thd, table);
  }

private:
  Field **next = nullptr;
  std::string last_table;
  std::map<std::string, std::vector<std::string>> names;

  void store(const vamos_cell &cell) {
    const std::string text(cell.length ? cell.text : "", cell.length);
    Field *field = *next++;
    switch (cell.kind) {
    case VAMOS_CELL_NUMBER:
      field->set_notnull();
      field->store(cell.number, true);
      break;
    case VAMOS_CELL_TIME:
      field->set_notnull();
      field->store(static_cast<double>(cell.number) / 1000);
      break;
    case VAMOS_CELL_TEXT:
      vamos_store(field, text);
      break;
    case VAMOS_CELL_TABLE: {
      const Table_name name(text);
      last_table = text;
      vamos_store_or_null(field, name.schema);
      vamos_store_or_null(*next++, name.table);
      vamos_store_or_null(*next++, name.partition);
      break;
    }
    case VAMOS_CELL_INDEX:
      vamos_store_or_null(field, index_name(cell.number));
      break;
    case VAMOS_CELL_QUERY:
      store_query(field, cell.number);
      break;
    default:
      field->set_null();
    }
  }

  std::string index_name(uint64_t position) {
    if (last_table.empty())
      return std::string();
    auto known = names.find(last_table);
    if (known == names.end())
      known = names.emplace(last_table, vamos_key_names(thd, Table_name(last_table))).first;
    return position < known->second.size() ? known->second[position] : std::string();
  }

  /* NULL if the connection runs nothing, or is just changing what it runs. */
  static void store_query(Field *field, uint64_t connection) {
    field->set_null();
    THD *other = connection ? find_thread_by_id(static_cast<longlong>(connection)) : nullptr;
    if (!other)
      return;
    char text[1024];
    const size_t length = thd_query_safe(other, text, sizeof text);
    CHARSET_INFO *charset = other->query_charset();
    mysql_mutex_unlock(&other->LOCK_thd_kill);
    if (length) {
      field->set_notnull();
      field->store(text, length, charset);
    }
  }
};

int store_row(void *place, const vamos_cell *cells, uint32_t count) {
  return static_cast<Rows *>(place)->store(cells, count);
}

int fill(THD *thd, TABLE_LIST *tables, uint8_t view) {
  if (check_global_access(thd, PROCESS_ACL))
    return 1;
  Rows rows(thd, tables->table);
  return vamos_report_ddl(thd, vamos_visit_rows(vamos_connection(thd), view, &rows, store_row)) != 0;
}

int fill_transactions(THD *thd, TABLE_LIST *tables, COND *) { return fill(thd, tables, VAMOS_VIEW_TRANSACTIONS); }
int fill_locks(THD *thd, TABLE_LIST *tables, COND *) { return fill(thd, tables, VAMOS_VIEW_LOCKS); }
int fill_lock_waits(THD *thd, TABLE_LIST *tables, COND *) { return fill(thd, tables, VAMOS_VIEW_LOCK_WAITS); }

} // namespace

int vamos_transactions_init(void *schema) {
  return vamos_schema_table(schema, Show::transactions_columns(), fill_transactions);
}
int vamos_locks_init(void *schema) { return vamos_schema_table(schema, Show::locks_columns(), fill_locks); }
int vamos_lock_waits_init(void *schema) {
  return vamos_schema_table(schema, Show::lock_waits_columns(), fill_lock_waits);
}
