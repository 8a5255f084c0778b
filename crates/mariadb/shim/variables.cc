/* System variables and status variables. */
#include "handler.h"
#include <algorithm>

namespace {

char *endpoint;
char *window_path;
char *token_file;
unsigned long poll_budget_us;
unsigned long start_wait_timeout;

void configure() {
  const vamos_settings settings = vamos_current_settings();
  vamos_configure(&settings);
}

int check_endpoint(MYSQL_THD thd, struct st_mysql_sys_var *, void *save, struct st_mysql_value *value) {
  char buffer[512];
  char message[512];
  int length = sizeof buffer;
  const char *text = value->val_str(value, buffer, &length);
  if (!text || vamos_check_endpoint(text, message, sizeof message)) {
    if (text)
      push_warning(thd, Sql_condition::WARN_LEVEL_WARN, ER_WRONG_ARGUMENTS, message);
    return 1;
  }
  *static_cast<const char **>(save) = thd_strmake(thd, text, length);
  return 0;
}

/* Connections that are open stay where they are; new ones follow. */
void update_string(MYSQL_THD, struct st_mysql_sys_var *, void *place, const void *save) {
  char **variable = static_cast<char **>(place);
  const char *value = *static_cast<char *const *>(save);
  char *old = *variable;
  *variable = my_strdup(PSI_INSTRUMENT_ME, value ? value : "", MYF(MY_WME));
  my_free(old);
  configure();
}

void update_poll_budget(MYSQL_THD, struct st_mysql_sys_var *, void *place, const void *save) {
  *static_cast<unsigned long *>(place) = *static_cast<const unsigned long *>(save);
  configure();
}

const char *durability_names[] = {"commit", "second", "never", NullS};
TYPELIB durability_typelib = {array_elements(durability_names) - 1, "durability", durability_names, nullptr};

MYSQL_THDVAR_ENUM(durability, PLUGIN_VAR_RQCMDARG,
                  "When a commit is answered: after the log is on disk (commit), after it is with the host's "
                  "kernel, which writes it each second (second) or when it likes (never)",
                  NULL, NULL, 0, &durability_typelib);

const char *pushdown_names[] = {"condition", "index_condition", "summary", NullS};
TYPELIB pushdown_typelib = {array_elements(pushdown_names) - 1, "pushdown", pushdown_names, nullptr};

MYSQL_THDVAR_SET(pushdown, PLUGIN_VAR_RQCMDARG,
                 "What the host may evaluate for the server: conditions on rows (condition) and on the entries of "
                 "indexes (index_condition), and sums over tables (summary)",
                 NULL, NULL, VAMOS_PUSH_CONDITION | VAMOS_PUSH_INDEX_CONDITION | VAMOS_PUSH_SUMMARY, &pushdown_typelib);

MYSQL_THDVAR_ULONG(lock_wait_timeout, PLUGIN_VAR_RQCMDARG, "Seconds to wait for a row lock", NULL, NULL, 50, 0,
                   1024 * 1024 * 1024, 0);

} // namespace

static MYSQL_SYSVAR_STR(endpoint, endpoint, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_MEMALLOC,
                        "Where the host listens: unix:PATH or vsock:CID:PORT", check_endpoint, update_string,
                        "unix:/run/vamos/vamos.sock");
static MYSQL_SYSVAR_STR(window, window_path, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_MEMALLOC,
                        "The device that shows the window, such as /dev/dax0.0; empty where the host passes it",
                        nullptr, update_string, "");
static MYSQL_SYSVAR_STR(token_file, token_file, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_MEMALLOC,
                        "The file with the secret that the host wants to see; empty: none", nullptr,
                        update_string, "");
static MYSQL_SYSVAR_ULONG(poll_budget_us, poll_budget_us, PLUGIN_VAR_RQCMDARG,
                          "The longest time, in microseconds, for which a waiting connection polls before it sleeps; over "
                          "a Unix socket never longer than 50",
                          nullptr, update_poll_budget, 1000, 0, 1000000, 0);

static MYSQL_SYSVAR_ULONG(start_wait_timeout, start_wait_timeout, PLUGIN_VAR_RQCMDARG | PLUGIN_VAR_READONLY,
                          "Seconds for which the server's start waits for the host, to finish prepared "
                          "transactions, before it gives up",
                          nullptr, nullptr, 60, 0, 86400, 0);

struct st_mysql_sys_var *vamos_system_variables[] = {
    MYSQL_SYSVAR(endpoint),   MYSQL_SYSVAR(window),           MYSQL_SYSVAR(token_file), MYSQL_SYSVAR(poll_budget_us),
    MYSQL_SYSVAR(durability), MYSQL_SYSVAR(lock_wait_timeout), MYSQL_SYSVAR(pushdown),
    MYSQL_SYSVAR(start_wait_timeout), nullptr};

vamos_settings vamos_current_settings() { return {endpoint, window_path, token_file, poll_budget_us}; }

/* NOWAIT and WAIT n set the server's own timeout for the statement. */
uint vamos_lock_wait_seconds(THD *thd) {
  return static_cast<uint>(std::min<ulonglong>(THDVAR(thd, lock_wait_timeout), thd->variables.lock_wait_timeout));
}

/* LIMIT ROWS EXAMINED counts what the server looks at. */
bool vamos_may_push(THD *thd, vamos_pushdown what) {
  return (THDVAR(thd, pushdown) & what) && !thd->lex->limit_rows_examined;
}

uint vamos_start_wait_seconds() { return static_cast<uint>(start_wait_timeout); }

uint8_t vamos_durability_of(THD *thd) { return static_cast<uint8_t>(THDVAR(thd, durability)); }

namespace {

vamos_counters counters;

struct st_mysql_show_var counter_variables[] = {
    {"connections_open", reinterpret_cast<char *>(&counters.lanes_open), SHOW_ULONGLONG},
    {"connects", reinterpret_cast<char *>(&counters.connects), SHOW_ULONGLONG},
    {"mode", counters.mode, SHOW_CHAR},
    {"host", counters.endpoint, SHOW_CHAR},
    {"requests", reinterpret_cast<char *>(&counters.requests), SHOW_ULONGLONG},
    {"responses", reinterpret_cast<char *>(&counters.responses), SHOW_ULONGLONG},
    {"frames_sent", reinterpret_cast<char *>(&counters.frames_sent), SHOW_ULONGLONG},
    {"frames_received", reinterpret_cast<char *>(&counters.frames_received), SHOW_ULONGLONG},
    {"bytes_sent", reinterpret_cast<char *>(&counters.bytes_sent), SHOW_ULONGLONG},
    {"bytes_received", reinterpret_cast<char *>(&counters.bytes_received), SHOW_ULONGLONG},
    {"doorbells_rung", reinterpret_cast<char *>(&counters.doorbells_rung), SHOW_ULONGLONG},
    {"doorbells_suppressed", reinterpret_cast<char *>(&counters.doorbells_suppressed), SHOW_ULONGLONG},
    {"doorbells_received", reinterpret_cast<char *>(&counters.doorbells_received), SHOW_ULONGLONG},
    {"sleeps", reinterpret_cast<char *>(&counters.sleeps), SHOW_ULONGLONG},
    {"rows_filtered_on_host", reinterpret_cast<char *>(&counters.rows_rejected), SHOW_ULONGLONG},
    {"poll_microseconds", reinterpret_cast<char *>(&counters.poll_us), SHOW_ULONGLONG},
    {nullptr, nullptr, SHOW_UNDEF}};

/* The server calls this, under its lock, before it reads the variables. */
int show_counters(MYSQL_THD, struct st_mysql_show_var *variable, void *, struct system_status_var *,
                  enum enum_var_type) {
  vamos_read_counters(&counters);
  variable->type = SHOW_ARRAY;
  variable->value = reinterpret_cast<char *>(counter_variables);
  return 0;
}

} // namespace

struct st_mysql_show_var vamos_status_variables[] = {
    {"Vamos", reinterpret_cast<char *>(&show_counters), SHOW_FUNC}, {nullptr, nullptr, SHOW_UNDEF}};
