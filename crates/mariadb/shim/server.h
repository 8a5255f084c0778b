/* MariaDB's headers, in the order in which they must come. */
#pragma once
#define MYSQL_SERVER 1
#include <my_global.h>
#include <sql_class.h>
#include <sql_lex.h>
#include <handler.h>
#include <field.h>
#include <key.h>
#include <table.h>
#include <mysql/plugin.h>
#include <sql_type_json.h>
#undef min
#undef max
