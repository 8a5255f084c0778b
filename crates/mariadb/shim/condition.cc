/* Conditions of the server's, written down for the Rust side. Only what compares
   there exactly as here is written; of the rest nothing is said, and the server
   evaluates all of it anyway. */
#include "condition.h"
#include <sql_select.h>

namespace {

/* As what a column, or a constant, is compared. */
enum compared_as : uint8_t { AS_NUMBER = 0, AS_REAL = 1, AS_TEXT = 2, AS_TIME = 3, AS_OTHER = 255 };

compared_as as_of_column(const Field *field) {
  switch (vamos_meaning(field)) {
  case VAMOS_MEANS_SIGNED:
  case VAMOS_MEANS_UNSIGNED:
  case VAMOS_MEANS_YEAR:
  case VAMOS_MEANS_DECIMAL:
    return AS_NUMBER;
  case VAMOS_MEANS_FLOAT:
  case VAMOS_MEANS_DOUBLE:
    return AS_REAL;
  case VAMOS_MEANS_DATE:
  case VAMOS_MEANS_DATETIME:
    return AS_TIME;
  case VAMOS_MEANS_TEXT:
    return AS_TEXT;
  default:
    return AS_OTHER;
  }
}

compared_as as_of_type(const Type_handler *type) {
  switch (type->cmp_type()) {
  case INT_RESULT:
  case DECIMAL_RESULT:
    return AS_NUMBER;
  case REAL_RESULT:
    return AS_REAL;
  case STRING_RESULT:
    return AS_TEXT;
  case TIME_RESULT:
    return type->mysql_timestamp_type() == MYSQL_TIMESTAMP_TIME ? AS_OTHER : AS_TIME;
  default:
    return AS_OTHER;
  }
}

bool is_constant(Item *item) { return item->const_item() && !item->is_expensive() && !item->with_subquery(); }

bool is_ascii(const char *text, size_t length) {
  return std::all_of(text, text + length, [](char c) { return static_cast<unsigned char>(c) < 128; });
}

/* Writes one condition down. Each function says whether it could. */
class Writer {
public:
  Writer(const TABLE *table, Vamos_nodes &out) : table(table), out(out) {}

  bool condition(Item *item) {
    if (is_constant(item))
      return constant_truth(item);
    switch (item->type()) {
    case Item::REF_ITEM:
      return condition(item->real_item());
    case Item::COND_ITEM:
      return connective(static_cast<Item_cond *>(item));
    case Item::FUNC_ITEM:
      return function(static_cast<Item_func *>(item));
    default:
      return false;
    }
  }

private:
  const TABLE *table;
  Vamos_nodes &out;

  bool put(uint8_t what, uint8_t how = 0, uint32_t count = 0, uint8_t flag = 0) {
    out.node(what).how = how;
    out.last().count = count;
    out.last().flag = flag;
    return true;
  }

  bool constant_truth(Item *item) {
    const bool truth = item->val_bool();
    return put(VAMOS_NODE_TRUTH, item->null_value ? 2 : truth);
  }

  bool connective(Item_cond *item) {
    List_iterator<Item> arguments(*item->argument_list());
    uint32_t count = 0;
    while (Item *argument = arguments++) {
      if (!condition(argument))
        return false;
      count++;
    }
    return put(item->functype() == Item_func::COND_AND_FUNC ? VAMOS_NODE_AND : VAMOS_NODE_OR, 0, count);
  }

  bool function(Item_func *item) {
    Item **const arguments = item->arguments();
    switch (item->functype()) {
    case Item_func::EQ_FUNC:
      return comparison(item, 0);
    case Item_func::NE_FUNC:
      return comparison(item, 1);
    case Item_func::LT_FUNC:
      return comparison(item, 2);
    case Item_func::LE_FUNC:
      return comparison(item, 3);
    case Item_func::GT_FUNC:
      return comparison(item, 4);
    case Item_func::GE_FUNC:
      return comparison(item, 5);
    case Item_func::EQUAL_FUNC:
      return comparison(item, 6);
    case Item_func::BETWEEN:
      return between(static_cast<Item_func_between *>(item));
    case Item_func::IN_FUNC:
      return in(static_cast<Item_func_in *>(item));
    case Item_func::LIKE_FUNC:
      return like(static_cast<Item_func_like *>(item));
    case Item_func::ISNULL_FUNC:
      return column(arguments[0]) && put(VAMOS_NODE_IS_NULL);
    case Item_func::ISNOTNULL_FUNC:
      return column(arguments[0]) && put(VAMOS_NODE_IS_NULL) && put(VAMOS_NODE_NOT);
    case Item_func::NOT_FUNC:
      return condition(arguments[0]) && put(VAMOS_NODE_NOT);
    case Item_func::XOR_FUNC:
      return condition(arguments[0]) && condition(arguments[1]) && put(VAMOS_NODE_XOR);
    default:
      return false;
    }
  }

  Field *column_of(Item *item) const {
    Item *const real = item->real_item();
    if (real->type() != Item::FIELD_ITEM)
      return nullptr;
    Field *const field = static_cast<Item_field *>(real)->field;
    return field->table == table ? field : nullptr;
  }

  bool column(Item *item) {
    const Field *const field = column_of(item);
    return field && put(VAMOS_NODE_COLUMN, 0, field->field_index);
  }

  bool comparison(Item_func *item, uint8_t how) {
    auto *const compared = static_cast<Item_bool_rowready_func2 *>(item);
    const compared_as as = as_of_type(compared->compare_type_handler());
    Item **const sides = item->arguments();
    /* Numbers with few digits are compared by the server with a tolerance. */
    if (as == AS_REAL && sides[0]->decimals < NOT_FIXED_DEC && sides[1]->decimals < NOT_FIXED_DEC)
      return false;
    return compare(as, compared->compare_collation(), how, sides[0], sides[1]);
  }

  bool compare(compared_as as, CHARSET_INFO *collation, uint8_t how, Item *left, Item *right) {
    const vamos_text_order *const order = as == AS_TEXT ? out.order(collation) : nullptr;
    if (as == AS_OTHER || (as == AS_TEXT && !order))
      return false;
    if (!operand(as, collation, left) || !operand(as, collation, right))
      return false;
    put(VAMOS_NODE_COMPARE, how, 0, as);
    out.last().order = order;
    return true;
  }

  /* As what a column is compared with constants of its own kind. */
  compared_as common(Item *item, Item **others, uint count) const {
    const Field *const field = column_of(item);
    if (!field)
      return AS_OTHER;
    const compared_as as = as_of_column(field);
    for (uint i = 0; i < count; i++) {
      if (others[i]->type() == Item::NULL_ITEM)
        continue;
      const compared_as other = as_of_type(others[i]->type_handler());
      const bool fits = as == AS_TIME ? other == AS_TIME || other == AS_TEXT : other == as;
      if (!fits || !is_constant(others[i]))
        return AS_OTHER;
    }
    /* A list of texts for a date might be compared as texts. */
    if (as == AS_REAL && field->decimals() < NOT_FIXED_DEC)
      return AS_OTHER;
    return as;
  }

  bool between(Item_func_between *item) {
    Item **const arguments = item->arguments();
    const compared_as as = common(arguments[0], arguments + 1, 2);
    CHARSET_INFO *const collation = item->compare_collation();
    return compare(as, collation, 5, arguments[0], arguments[1]) &&
           compare(as, collation, 3, arguments[0], arguments[2]) && put(VAMOS_NODE_AND, 0, 2) &&
           (!item->negated || put(VAMOS_NODE_NOT));
  }

  bool in(Item_func_in *item) {
    Item **const arguments = item->arguments();
    const uint count = item->argument_count();
    const compared_as as = common(arguments[0], arguments + 1, count - 1);
    CHARSET_INFO *const collation = item->compare_collation();
    const vamos_text_order *const order = as == AS_TEXT ? out.order(collation) : nullptr;
    if (as == AS_OTHER || (as == AS_TEXT && !order))
      return false;
    for (uint i = 0; i < count; i++)
      if (!operand(as, collation, arguments[i]))
        return false;
    put(VAMOS_NODE_IN, 0, count, as);
    out.last().order = order;
    return !item->negated || put(VAMOS_NODE_NOT);
  }

  bool like(Item_func_like *item) {
    Item **const arguments = item->arguments();
    CHARSET_INFO *const collation = item->compare_collation();
    const vamos_text_order *const order = out.order(collation);
    if (!order || item->escape < 0 || item->escape > 127 || as_of_type(arguments[1]->type_handler()) != AS_TEXT ||
        !is_constant(arguments[1]) || (table->in_use->variables.sql_mode & MODE_PAD_CHAR_TO_FULL_LENGTH))
      return false;
    if (!operand(AS_TEXT, collation, arguments[0]) || !text(collation, arguments[1]))
      return false;
    /* The pattern goes with the operation. */
    if (out.last().what != VAMOS_NODE_TEXT)
      return false;
    out.last().what = VAMOS_NODE_LIKE;
    out.last().number = item->escape;
    out.last().order = order;
    return !item->get_negated() || put(VAMOS_NODE_NOT);
  }

  /* Whether the server compares a CHAR with the spaces that fill it up, which rows do
     not have. */
  bool is_filled_up(const Field *field, const CHARSET_INFO *collation) const {
    return field->real_type() == MYSQL_TYPE_STRING && (collation->state & MY_CS_NOPAD) &&
           (table->in_use->variables.sql_mode & MODE_PAD_CHAR_TO_FULL_LENGTH);
  }

  bool operand(compared_as as, CHARSET_INFO *collation, Item *item) {
    if (const Field *const field = column_of(item)) {
      const compared_as of = as_of_column(field);
      const bool integer = of == AS_NUMBER && vamos_meaning(field) != VAMOS_MEANS_DECIMAL;
      if (of != as && !(as == AS_REAL && integer))
        return false;
      if (as == AS_TEXT && (!my_charset_same(field->charset(), collation) || is_filled_up(field, collation)))
        return false;
      return column(item);
    }
    if (is_constant(item))
      return constant(as, collation, item);
    return as == AS_NUMBER && item->type() == Item::FUNC_ITEM && computed(static_cast<Item_func *>(item));
  }

  /* Exact integer arithmetic. */
  bool computed(Item_func *item) {
    static const char *const names[] = {"+", "-", "*", "MOD", "&", "|", "^"};
    const LEX_CSTRING name = item->func_name_cstring();
    if (item->argument_count() != 2 || item->type_handler()->cmp_type() != INT_RESULT ||
        item->functype() != Item_func::UNKNOWN_FUNC)
      return false;
    for (uint8_t how = 0; how < array_elements(names); how++) {
      if (strcmp(name.str, names[how]))
        continue;
      Item **const arguments = item->arguments();
      for (int i = 0; i < 2; i++)
        if (arguments[i]->type_handler()->cmp_type() != INT_RESULT || !operand(AS_NUMBER, nullptr, arguments[i]))
          return false;
      return put(VAMOS_NODE_COMPUTE, how, 0, item->unsigned_flag);
    }
    return false;
  }

  bool constant(compared_as as, CHARSET_INFO *collation, Item *item) {
    if (item->type() == Item::NULL_ITEM)
      return put(VAMOS_NODE_NULL);
    switch (as) {
    case AS_NUMBER:
      return number(item);
    case AS_REAL:
      return real(item);
    case AS_TEXT:
      return text(collation, item);
    case AS_TIME:
      return time(item);
    default:
      return false;
    }
  }

  bool null_or(bool put_value, Item *item) {
    if (!item->null_value)
      return put_value;
    out.last() = {};
    out.last().what = VAMOS_NODE_NULL;
    return true;
  }

  bool number(Item *item) {
    if (item->type_handler()->cmp_type() == INT_RESULT) {
      put(VAMOS_NODE_INTEGER, 0, 0, item->unsigned_flag);
      out.last().number = item->val_int();
      return null_or(true, item);
    }
    if (item->type_handler()->cmp_type() != DECIMAL_RESULT)
      return false;
    my_decimal buffer;
    const my_decimal *const value = item->val_decimal(&buffer);
    put(VAMOS_NODE_DECIMAL);
    if (!item->null_value) {
      StringBuffer<DECIMAL_MAX_STR_LENGTH> digits;
      if (!value || !value->to_string(&digits))
        return false;
      out.bytes(digits.ptr(), digits.length());
    }
    return null_or(true, item);
  }

  bool real(Item *item) {
    const compared_as as = as_of_type(item->type_handler());
    if (as != AS_NUMBER && as != AS_REAL)
      return false;
    put(VAMOS_NODE_REAL);
    out.last().real = item->val_real();
    return null_or(true, item);
  }

  bool text(CHARSET_INFO *collation, Item *item) {
    if (as_of_type(item->type_handler()) != AS_TEXT)
      return false;
    StringBuffer<256> buffer;
    const String *const value = item->val_str(&buffer);
    put(VAMOS_NODE_TEXT);
    if (!item->null_value) {
      if (!value)
        return false;
      const bool ascii = is_ascii(value->ptr(), value->length());
      const vamos_text_order *const order = out.order(collation);
      if (!order || (!ascii && (order->ascii_only || !my_charset_same(value->charset(), collation))) ||
          value->charset()->mbminlen != 1)
        return false;
      out.bytes(value->ptr(), value->length());
    }
    return null_or(true, item);
  }

  bool time(Item *item) {
    const Type_handler *const type = item->type_handler();
    if (type->cmp_type() == TIME_RESULT ? type->mysql_timestamp_type() == MYSQL_TIMESTAMP_TIME
                                        : type->cmp_type() != STRING_RESULT)
      return false;
    MYSQL_TIME value;
    THD *const thd = table->in_use;
    if (type->cmp_type() == STRING_RESULT) {
      /* Not by the item, which would warn once more of a bad date. */
      StringBuffer<64> buffer;
      const String *const text = item->val_str(&buffer);
      MYSQL_TIME_STATUS status = {};
      if (!text || item->null_value || text->charset()->mbminlen != 1 ||
          str_to_datetime_or_date(text->ptr(), text->length(), &value,
                                  static_cast<ulonglong>(sql_mode_for_dates(thd)), &status) ||
          status.warnings || status.nanoseconds)
        return false;
    } else if (item->get_date(thd, &value, Datetime::Options(thd)) || item->null_value) {
      return false;
    }
    if (value.neg || (value.time_type != MYSQL_TIMESTAMP_DATE && value.time_type != MYSQL_TIMESTAMP_DATETIME))
      return false;
    const bool date = value.time_type == MYSQL_TIMESTAMP_DATE;
    const longlong day = (static_cast<longlong>(value.year) * 13 + value.month) << 5 | value.day;
    const longlong clock = date ? 0 : value.hour << 12 | value.minute << 6 | value.second;
    put(VAMOS_NODE_TIME);
    out.last().number = ((day << 17 | clock) << 24) + (date ? 0 : value.second_part);
    return true;
  }
};

} // namespace

vamos_means vamos_meaning(const Field *field) {
  const bool is_unsigned = field->flags & UNSIGNED_FLAG;
  switch (field->real_type()) {
  case MYSQL_TYPE_TINY:
  case MYSQL_TYPE_SHORT:
  case MYSQL_TYPE_INT24:
  case MYSQL_TYPE_LONG:
  case MYSQL_TYPE_LONGLONG:
    return is_unsigned ? VAMOS_MEANS_UNSIGNED : VAMOS_MEANS_SIGNED;
  case MYSQL_TYPE_YEAR:
    return field->field_length == 4 ? VAMOS_MEANS_YEAR : VAMOS_MEANS_OTHER;
  case MYSQL_TYPE_NEWDECIMAL:
    return VAMOS_MEANS_DECIMAL;
  case MYSQL_TYPE_NEWDATE:
    return VAMOS_MEANS_DATE;
  case MYSQL_TYPE_DATETIME2:
    return VAMOS_MEANS_DATETIME;
  case MYSQL_TYPE_FLOAT:
    return VAMOS_MEANS_FLOAT;
  case MYSQL_TYPE_DOUBLE:
    return VAMOS_MEANS_DOUBLE;
  case MYSQL_TYPE_STRING:
    /* BINARY(n) is stored without the zeros that fill it up. */
    return field->type_handler() == &type_handler_string && field->charset() != &my_charset_bin ? VAMOS_MEANS_TEXT
                                                                                               : VAMOS_MEANS_OTHER;
  case MYSQL_TYPE_VARCHAR:
  case MYSQL_TYPE_TINY_BLOB:
  case MYSQL_TYPE_BLOB:
  case MYSQL_TYPE_MEDIUM_BLOB:
  case MYSQL_TYPE_LONG_BLOB:
    return field->cmp_type() == STRING_RESULT ? VAMOS_MEANS_TEXT : VAMOS_MEANS_OTHER;
  default:
    return VAMOS_MEANS_OTHER;
  }
}

/* How texts of a collation compare, if that can be said byte by byte. */
static bool describe_order(const CHARSET_INFO *cs, vamos_text_order *out) {
  for (int byte = 0; byte < 256; byte++)
    out->table[byte] = static_cast<uint8_t>(byte);
  out->pad_space = cs != &my_charset_bin && !(cs->state & MY_CS_NOPAD);
  out->multi_byte = cs->mbmaxlen > 1;
  if (cs->mbminlen != 1 || (cs->state & MY_CS_NONASCII))
    return false;
  if (cs->state & MY_CS_BINSORT) {
    /* The order of code points is that of their bytes in UTF-8 alone. */
    return cs->mbmaxlen == 1 || !strncmp(cs->cs_name.str, "utf8", 4);
  }
  if (cs->coll == &my_collation_8bit_simple_ci_handler && cs->sort_order) {
    memcpy(out->table, cs->sort_order, sizeof out->table);
    return true;
  }
  static const char *const general[] = {"utf8mb3_general_ci", "utf8mb4_general_ci", "utf8mb3_general_nopad_ci",
                                        "utf8mb4_general_nopad_ci"};
  for (const char *name : general) {
    if (strcmp(cs->coll_name.str, name))
      continue;
    /* A weight of two or three bytes for each character. */
    for (int byte = 0; byte < 128; byte++) {
      const uchar text = static_cast<uchar>(byte);
      uchar weight[8];
      const size_t length = cs->strnxfrm(weight, sizeof weight, 1, &text, 1, 0);
      if (!length || std::any_of(weight, weight + length - 1, [](uchar high) { return high != 0; }))
        return false;
      out->table[byte] = weight[length - 1];
    }
    out->ascii_only = 1;
    return true;
  }
  return false;
}

const vamos_text_order *Vamos_nodes::order(const CHARSET_INFO *collation) {
  for (const auto &known : orders)
    if (known.first == collation)
      return known.second.get();
  auto described = std::make_unique<vamos_text_order>();
  *described = {};
  if (!collation || !describe_order(collation, described.get()))
    described.reset();
  orders.emplace_back(collation, std::move(described));
  return orders.back().second.get();
}

bool vamos_write_condition(const TABLE *table, Item *item, Vamos_nodes &out) {
  return Writer(table, out).condition(item);
}

bool vamos_push_condition(vamos_rust_handler *rust, const TABLE *table, uint32_t key, Item *item) {
  if (item->type() == Item::COND_ITEM && static_cast<Item_cond *>(item)->functype() == Item_func::COND_AND_FUNC) {
    List_iterator<Item> arguments(*static_cast<Item_cond *>(item)->argument_list());
    bool whole = true;
    while (Item *argument = arguments++)
      whole &= vamos_push_condition(rust, table, key, argument);
    return whole;
  }
  if (!(item->used_tables() & table->map))
    return false;
  Vamos_nodes nodes;
  return vamos_write_condition(table, item, nodes) &&
         vamos_condition_add(rust, key, nodes.data(), nodes.size());
}
