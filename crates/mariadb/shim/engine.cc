/* The storage engine as the server sees it: the plugin's declaration, and what
   the server calls for a connection's transaction:

     external_lock() of the first table       registers the engine (vamos_begin_statement)
     savepoint_set, savepoint_rollback, ..    SAVEPOINT
     prepare, commit_ordered, ..              two-phase commit (two_phase.cc)
     commit(all=false), rollback(all=false)   the end of a statement; with autocommit also of the transaction
     commit(all=true), rollback(all=true)     COMMIT, ROLLBACK
     close_connection                         the client is gone */
#include "handler.h"
#include "information_schema.h"
#include <string>

handlerton *vamos_hton;

bool vamos_in_transaction(THD *thd) { return thd_test_options(thd, OPTION_NOT_AUTOCOMMIT | OPTION_BEGIN); }

namespace {

vamos_context context_of(THD *thd) {
  vamos_context context = {};
  context.isolation = static_cast<uint8_t>(thd_tx_isolation(thd));
  context.multi_statement = vamos_in_transaction(thd);
  context.applies = thd->rgi_slave != nullptr;
  context.lock_wait_seconds = vamos_lock_wait_seconds(thd);
  return context;
}

handler *create_handler(handlerton *hton, TABLE_SHARE *share, MEM_ROOT *mem_root) {
  return new (mem_root) ha_vamos(hton, share);
}

int close_connection(handlerton *hton, THD *thd) {
  auto *connection = static_cast<vamos_rust_connection *>(thd_get_ha_data(thd, hton));
  thd_set_ha_data(thd, hton, nullptr);
  vamos_connection_free(connection);
  return 0;
}

int commit(handlerton *, THD *thd, bool all) {
  vamos_rust_connection *connection = vamos_connection(thd);
  if (all || !vamos_in_transaction(thd))
    return vamos_report(thd, vamos_commit(connection, vamos_durability_of(thd)));
  return vamos_report(thd, vamos_statement_end(connection));
}

int rollback(handlerton *, THD *thd, bool all) {
  vamos_rust_connection *connection = vamos_connection(thd);
  const int ended = all ? 0 : vamos_tell_end(connection);
  if (ended && (vamos_in_transaction(thd) || !thd->is_error())) {
    /* The server has lost it (CHECKSUM TABLE), or has found another error since. */
    thd->clear_error();
    vamos_report(thd, ended);
  }
  if (all || !vamos_in_transaction(thd))
    return vamos_rollback(connection);
  const int error = vamos_statement_rollback(connection);
  /* The transaction is over: the client must hear that, not what the statement failed by. */
  if (error == HA_ERR_LOCK_DEADLOCK || error == HA_ERR_ROLLBACK)
    thd->clear_error();
  return vamos_report(thd, error);
}

/* The server keeps `savepoint_offset` bytes for each savepoint. */
int savepoint_set(handlerton *, THD *thd, void *place) {
  return vamos_report(thd, vamos_savepoint_set(vamos_connection(thd), static_cast<uint64_t *>(place)));
}

int savepoint_rollback(handlerton *, THD *thd, void *place) {
  return vamos_report(thd, vamos_savepoint_rollback(vamos_connection(thd), *static_cast<uint64_t *>(place)));
}

int savepoint_release(handlerton *, THD *thd, void *place) {
  return vamos_report(thd, vamos_savepoint_release(vamos_connection(thd), *static_cast<uint64_t *>(place)));
}

/* Row locks are the host's: metadata locks may go. */
bool savepoint_rollback_can_release_mdl(handlerton *, THD *) { return true; }

/* Only REPEATABLE READ keeps a snapshot: below, each statement takes its own, and
   above, rows are locked. The words are ignored there, as in InnoDB. */
int start_consistent_snapshot(handlerton *hton, THD *thd) {
  trans_register_ha(thd, true, hton, 0);
  const vamos_context context = context_of(thd);
  int error = vamos_statement_begin(vamos_connection(thd), &context);
  if (!error && thd_tx_isolation(thd) == ISO_REPEATABLE_READ)
    error = vamos_take_snapshot(vamos_connection(thd));
  // The server does not end this statement for the engine.
  if (!error)
    error = vamos_statement_end(vamos_connection(thd));
  return vamos_report(thd, error);
}

bool show_status(handlerton *, THD *thd, stat_print_fn *print, enum ha_stat_type type) {
  if (type != HA_ENGINE_STATUS)
    return false;
  std::string text(256 * 1024, '\0');
  const size_t length = vamos_status_text(vamos_connection(thd), &text[0], text.size());
  return print(thd, STRING_WITH_LEN("VAMOS"), STRING_WITH_LEN(""), text.data(), length);
}

int start(void *p) {
  vamos_hton = static_cast<handlerton *>(p);
  vamos_hton->flags = HTON_SUPPORTS_EXTENDED_KEYS | HTON_TRUNCATE_REQUIRES_EXCLUSIVE_USE | HTON_REQUIRES_CLOSE_AFTER_TRUNCATE;
  vamos_hton->savepoint_offset = sizeof(uint64_t);
  vamos_hton->create = create_handler;
  vamos_hton->close_connection = close_connection;
  vamos_hton->commit = commit;
  vamos_hton->rollback = rollback;
  vamos_hton->savepoint_set = savepoint_set;
  vamos_hton->savepoint_rollback = savepoint_rollback;
  vamos_hton->savepoint_release = savepoint_release;
  vamos_hton->savepoint_rollback_can_release_mdl = savepoint_rollback_can_release_mdl;
  vamos_hton->start_consistent_snapshot = start_consistent_snapshot;
  vamos_hton->show_status = show_status;
  vamos_hton->create_group_by = vamos_create_group_by;
  vamos_install_discovery(vamos_hton);
  vamos_install_alter(vamos_hton);
  vamos_set_two_phase(vamos_hton);
  static const char *no_files[] = {nullptr};
  vamos_hton->tablefile_extensions = no_files;
  const vamos_settings settings = vamos_current_settings();
  return vamos_start(&settings);
}

int stop(void *) {
  vamos_stop();
  return 0;
}

struct st_mysql_storage_engine engine_interface = {MYSQL_HANDLERTON_INTERFACE_VERSION};

} // namespace

vamos_rust_connection *vamos_connection(THD *thd) {
  auto *connection = static_cast<vamos_rust_connection *>(thd_get_ha_data(thd, vamos_hton));
  if (!connection) {
    connection = vamos_connection_new(thd);
    thd_set_ha_data(thd, vamos_hton, connection);
  }
  return connection;
}

int vamos_begin_statement(THD *thd, bool writes_durably) {
  trans_register_ha(thd, false, vamos_hton, 0);
  if (vamos_in_transaction(thd))
    trans_register_ha(thd, true, vamos_hton, 0);
  vamos_context context = context_of(thd);
  context.writes_durably = writes_durably;
  return vamos_statement_begin(vamos_connection(thd), &context);
}

int vamos_begin_aside(THD *thd, bool writes_durably) {
  vamos_context context = {};
  context.isolation = ISO_READ_COMMITTED;
  context.lock_wait_seconds = vamos_lock_wait_seconds(thd);
  context.writes_durably = writes_durably;
  return vamos_statement_begin(vamos_connection_aside(vamos_connection(thd)), &context);
}

int vamos_report(THD *thd, int error) {
  char sentence[1024];
  if (!error)
    return 0;
  if (vamos_error_text(vamos_connection(thd), error, sentence, sizeof sentence)) {
    const bool retry = error == HA_ERR_LOCK_DEADLOCK || error == HA_ERR_ROLLBACK;
    my_printf_error(retry ? ER_LOCK_DEADLOCK : ER_ERROR_DURING_COMMIT, "VAMOS: %s", MYF(0), sentence);
  } else if (error == HA_ERR_LOCK_WAIT_TIMEOUT || error == HA_ERR_LOCK_DEADLOCK) {
    /* A change that is answered with the statement's end: clients look for these. */
    my_error(error == HA_ERR_LOCK_DEADLOCK ? ER_LOCK_DEADLOCK : ER_LOCK_WAIT_TIMEOUT, MYF(0));
  } else if (error == HA_ERR_ABORTED_BY_USER) {
    thd->send_kill_message();
  }
  return error;
}

int vamos_report_ddl(THD *thd, int error) {
  char sentence[1024];
  switch (error) {
  case HA_ERR_LOCK_WAIT_TIMEOUT:
    /* RENAME would say that it failed, but not by what. */
    my_error(ER_LOCK_WAIT_TIMEOUT, MYF(0));
    break;
  case HA_ERR_NO_CONNECTION:
  case HA_ERR_GENERIC:
  case HA_ERR_ROLLBACK:
  case HA_ERR_CRASHED:
    if (vamos_error_text(vamos_connection(thd), error, sentence, sizeof sentence))
      my_printf_error(error == HA_ERR_NO_CONNECTION ? ER_CONNECT_TO_FOREIGN_DATA_SOURCE : ER_GET_ERRMSG, "VAMOS: %s",
                      MYF(0), sentence);
  }
  return error;
}

maria_declare_plugin(vamos){
    MYSQL_STORAGE_ENGINE_PLUGIN,
    &engine_interface,
    "VAMOS",
    "The VAMOS authors",
    "Tables kept by the host, reached through shared memory",
    PLUGIN_LICENSE_GPL,
    start,
    stop,
    0x0001,
    vamos_status_variables,
    vamos_system_variables,
    "0.1.0",
    MariaDB_PLUGIN_MATURITY_EXPERIMENTAL,
},
    {
        MYSQL_INFORMATION_SCHEMA_PLUGIN,
        &vamos_information_schema,
        "VAMOS_TABLES",
        "The VAMOS authors",
        "Tables that the host keeps, and what they take up",
        PLUGIN_LICENSE_GPL,
        vamos_tables_init,
        nullptr,
        0x0001,
        nullptr,
        nullptr,
        "0.1.0",
        MariaDB_PLUGIN_MATURITY_EXPERIMENTAL,
    },
    {
        MYSQL_INFORMATION_SCHEMA_PLUGIN,
        &vamos_information_schema,
        "VAMOS_INDEXES",
        "The VAMOS authors",
        "Indexes that the host keeps, and what they take up",
        PLUGIN_LICENSE_GPL,
        vamos_indexes_init,
        nullptr,
        0x0001,
        nullptr,
        nullptr,
        "0.1.0",
        MariaDB_PLUGIN_MATURITY_EXPERIMENTAL,
    },
    {
        MYSQL_INFORMATION_SCHEMA_PLUGIN,
        &vamos_information_schema,
        "VAMOS_TRANSACTIONS",
        "The VAMOS authors",
        "Open transactions, as the host knows them",
        PLUGIN_LICENSE_GPL,
        vamos_transactions_init,
        nullptr,
        0x0001,
        nullptr,
        nullptr,
        "0.1.0",
        MariaDB_PLUGIN_MATURITY_EXPERIMENTAL,
    },
    {
        MYSQL_INFORMATION_SCHEMA_PLUGIN,
        &vamos_information_schema,
        "VAMOS_LOCKS",
        "The VAMOS authors",
        "Locks on rows and ranges, held and waited for",
        PLUGIN_LICENSE_GPL,
        vamos_locks_init,
        nullptr,
        0x0001,
        nullptr,
        nullptr,
        "0.1.0",
        MariaDB_PLUGIN_MATURITY_EXPERIMENTAL,
    },
    {
        MYSQL_INFORMATION_SCHEMA_PLUGIN,
        &vamos_information_schema,
        "VAMOS_LOCK_WAITS",
        "The VAMOS authors",
        "Transactions that wait, and those that stand in their way",
        PLUGIN_LICENSE_GPL,
        vamos_lock_waits_init,
        nullptr,
        0x0001,
        nullptr,
        nullptr,
        "0.1.0",
        MariaDB_PLUGIN_MATURITY_EXPERIMENTAL,
    } maria_declare_plugin_end;
