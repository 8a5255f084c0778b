/* Foreign keys. What they are is known to Rust (engine/foreign.rs); here is what
   needs the server: its lists of them, what CREATE TABLE checks (foreign_keys.cc),
   and the rows of other tables that a change of a row concerns (foreign_rows.cc). */
#pragma once
#include "server.h"
#include "boundary.h"
#include <string>
#include <vector>

/* Tables have the host's names. */
struct Vamos_foreign_key {
  std::string name, child, parent;
  std::vector<std::string> columns, parent_columns;
  enum_fk_option on_delete, on_update;
};

/* A foreign key as an open table uses it. */
struct Vamos_link {
  Vamos_foreign_key key;
  std::vector<uint> columns; /* this table's */
  uint32_t index = 0;        /* the other's, by its position among the host's */
  int rust = -1;             /* Rust's number for it; -1: the other table does not fit */
};

/* A table's description, for as long as this lives. The table's name is locked: the
   server keeps the description, and without a lock it could keep that of a table which
   is being replaced. Whoever replaces one is waited for. */
class Vamos_other_table {
public:
  Vamos_other_table(THD *thd, const std::string &name);
  ~Vamos_other_table();
  Vamos_other_table(const Vamos_other_table &) = delete;
  /* Null if it is none of ours, or the lock was not got. */
  const TABLE_SHARE *get() const;
  /* The engine's error if the lock was not got, or 0. */
  int error() const { return lock_error; }

private:
  THD *const thd;
  const MDL_savepoint before;
  TABLE_SHARE *share = nullptr;
  int lock_error = 0;
};

typedef std::vector<Vamos_foreign_key> Vamos_foreign_keys;

/* A table's keys, or those that refer to it; in the order of their names. */
Vamos_foreign_keys vamos_foreign_keys(const std::string &table, bool referring);
/* Those of an open table that ALTER TABLE has just made. */
Vamos_foreign_keys vamos_keys_of_handler(const vamos_rust_handler *);
bool vamos_same_key(const Vamos_foreign_key &, const Vamos_foreign_key &);

/* The columns by their names; false if one is missing. */
bool vamos_columns(const TABLE_SHARE *, const std::vector<std::string> &names, std::vector<uint> &columns);
/* The key that begins with these columns; MAX_KEY: there is none. */
uint vamos_key_of_columns(const TABLE_SHARE *, const std::vector<uint> &columns);
/* Whether the columns' values have the same bytes in indexes. */
bool vamos_columns_fit(const Field *, const Field *);

void vamos_split_name(const std::string &name, std::string &database, std::string &table);
/* CONSTRAINT .. FOREIGN KEY .. */
void vamos_append_constraint(THD *, String *, const Vamos_foreign_key &);

/* What CREATE TABLE says of them; 0, or the engine's error. */
int vamos_new_foreign_keys(THD *, const char *path, TABLE *form, HA_CREATE_INFO *, Vamos_foreign_keys &);
/* Whether foreign keys, its own and others', keep a table from being changed so
   without a copy; `error`: it is not to be changed so at all, and that was raised. */
bool vamos_keys_forbid_alter(TABLE *table, TABLE *altered, Alter_inplace_info *, bool *error);
bool vamos_checks_foreign_keys(THD *);
