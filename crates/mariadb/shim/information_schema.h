/* The plugins that are tables of information_schema: their declarations' parts
   (the list of plugins is in engine.cc). */
#pragma once
#include "server.h"

extern struct st_mysql_information_schema vamos_information_schema;
int vamos_tables_init(void *schema);
int vamos_indexes_init(void *schema);
