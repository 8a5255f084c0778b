/* The plugins that are tables of information_schema: their declarations' parts
   (the list of plugins is in engine.cc), and what the tables have in common. */
#pragma once
#include "server.h"
#include <string>
#include <vector>

extern struct st_mysql_information_schema vamos_information_schema;
int vamos_tables_init(void *schema);
int vamos_indexes_init(void *schema);
int vamos_transactions_init(void *schema);
int vamos_locks_init(void *schema);
int vamos_lock_waits_init(void *schema);

/* A host's name for a table, `database/table#P#partition`, in the server's terms. */
struct Table_name {
  std::string schema, table, partition;

  explicit Table_name(std::string name);
};

/* The names of a table's keys in the order of the host's indexes; empty if its
   definition cannot be had without waiting. */
std::vector<std::string> vamos_key_names(THD *thd, const Table_name &name);

void vamos_store(Field *field, const std::string &text);
/* NULL if the text is empty. */
void vamos_store_or_null(Field *field, const std::string &text);

/* Where the rows go. */
struct Sink {
  THD *thd;
  TABLE *table;
};

int vamos_schema_table(void *schema, ST_FIELD_INFO *columns, int (*fill)(THD *, TABLE_LIST *, COND *));
