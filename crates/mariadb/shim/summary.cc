/* Queries over one table that the host sums up, by way of the server's
   group_by_handler: COUNT, SUM, AVG, MIN and MAX, with GROUP BY and an ORDER BY
   of its columns. What the host cannot do to the last digit is left to the
   server. HAVING and LIMIT are the server's in any case. */
#include "handler.h"
#include "condition.h"
#include <sql_select.h>
#include <group_by_handler.h>
#include <my_decimal.h>

namespace {

enum total_kind : uint8_t { ROWS = 0, COUNT = 1, SUM = 2, MIN = 3, MAX = 4 };

/* A column of the result. */
struct Output {
  uint32_t place;      /* of its value in a group */
  uint32_t divisor;    /* for AVG: the place of the count; UINT32_MAX: none */
  const Field *source; /* null: a count */
  uint increment;      /* digits that AVG adds */
};

class Summary final : public group_by_handler {
public:
  Summary(THD *thd, ha_vamos *file) : group_by_handler(thd, vamos_hton), file(file), rust(vamos_summary_new()) {}
  ~Summary() override { vamos_summary_free(rust); }

  bool take(Query *query, uint32_t key) {
    if (query->where && !conditions(query->where))
      return false;
    if (!group_by(query))
      return false;
    places = static_cast<uint32_t>(groups.size());
    return items(query) && vamos_summary_plan(rust, file->rust_handler(), key);
  }

  int init_scan() override {
    vamos_summary_start(rust);
    return table->s->fields == outputs.size() ? 0 : HA_ERR_INTERNAL_ERROR;
  }

  int next_row() override {
    const int error = vamos_summary_next(rust, file->rust_handler(), vamos_connection(thd));
    for (uint i = 0; !error && i < outputs.size(); i++)
      store(outputs[i], table->field[i]);
    return error;
  }

  int end_scan() override { return 0; }

  void print_error(int error, myf flags) override { file->print_error(error, flags); }

private:
  ha_vamos *const file;
  vamos_rust_summary *const rust;
  std::vector<const Field *> groups;
  std::vector<Output> outputs;
  uint32_t places = 0;

  bool conditions(Item *item) {
    if (item->type() == Item::COND_ITEM && static_cast<Item_cond *>(item)->functype() == Item_func::COND_AND_FUNC) {
      List_iterator<Item> arguments(*static_cast<Item_cond *>(item)->argument_list());
      while (Item *argument = arguments++)
        if (!conditions(argument))
          return false;
      return true;
    }
    Vamos_nodes nodes;
    return vamos_write_condition(file->get_table(), item, nodes) &&
           vamos_summary_condition(rust, nodes.data(), nodes.size());
  }

  /* Groups come in the order of their columns' values, those of ORDER BY first. */
  bool group_by(const Query *query) {
    for (const ORDER *order = query->group_by ? query->order_by : nullptr; order; order = order->next) {
      const Field *const field = column(*order->item);
      if (order->direction != ORDER::ORDER_ASC || !groups_by(query, field))
        return false;
      add_group(field);
    }
    for (const ORDER *group = query->group_by; group; group = group->next) {
      const Field *const field = column(*group->item);
      if (!field || !keeps_values(field))
        return false;
      add_group(field);
    }
    return true;
  }

  bool groups_by(const Query *query, const Field *field) const {
    for (const ORDER *group = query->group_by; group; group = group->next)
      if (field && column(*group->item) == field)
        return true;
    return false;
  }

  void add_group(const Field *field) {
    if (std::find(groups.begin(), groups.end(), field) != groups.end())
      return;
    vamos_summary_group(rust, field->field_index);
    groups.push_back(field);
  }

  const Field *column(Item *item) const {
    Item *const real = item->real_item();
    if (real->type() != Item::FIELD_ITEM)
      return nullptr;
    const Field *const field = static_cast<Item_field *>(real)->field;
    return field->table == file->get_table() ? field : nullptr;
  }

  /* Some modes make others of dates with a month or a day of 0 when the server takes
     them into a result. */
  bool keeps_values(const Field *field) const {
    const uint8_t meaning = vamos_meaning(field);
    return (meaning != VAMOS_MEANS_DATE && meaning != VAMOS_MEANS_DATETIME) ||
           !(thd->variables.sql_mode & (MODE_NO_ZERO_IN_DATE | MODE_NO_ZERO_DATE));
  }

  uint32_t total(total_kind kind, const Field *field) {
    vamos_summary_total(rust, kind, field ? field->field_index : 0);
    return places++;
  }

  /* The result has a column for each item but those that Create_tmp_table leaves
     out: expressions over sums, and constants. */
  bool items(Query *query) {
    List_iterator_fast<Item> list(*query->select);
    while (Item *item = list++) {
      if (item->with_sum_func() && item->type() != Item::SUM_FUNC_ITEM) {
        if (item->real_type() == Item::SUBSELECT_ITEM || !(item->used_tables() & ~OUTER_REF_TABLE_BIT))
          return false;
        continue;
      }
      if (item->const_item()) {
        if (query->n_aux >= static_cast<int>(outputs.size()) + 1)
          return false;
        continue;
      }
      if (!(item->type() == Item::SUM_FUNC_ITEM ? sum(static_cast<Item_sum *>(item)) : group(item)))
        return false;
    }
    return true;
  }

  bool group(Item *item) {
    const Field *const field = column(item);
    const auto found = std::find(groups.begin(), groups.end(), field);
    if (!field || found == groups.end())
      return false;
    outputs.push_back({static_cast<uint32_t>(found - groups.begin()), UINT32_MAX, field, 0});
    return true;
  }

  bool sum(Item_sum *item) {
    if (item->get_arg_count() != 1)
      return false;
    Item *const argument = item->get_arg(0);
    const Field *const field = column(argument);
    switch (item->sum_func()) {
    case Item_sum::COUNT_FUNC:
      if (!field && !argument->basic_const_item())
        return false;
      if (!field && argument->type() == Item::NULL_ITEM)
        return false;
      outputs.push_back({total(field ? COUNT : ROWS, field), UINT32_MAX, nullptr, 0});
      return true;
    case Item_sum::SUM_FUNC:
      if (!field || item->result_type() != DECIMAL_RESULT)
        return false;
      outputs.push_back({total(SUM, field), UINT32_MAX, field, 0});
      return true;
    case Item_sum::AVG_FUNC: {
      if (!field || item->result_type() != DECIMAL_RESULT)
        return false;
      const uint32_t place = total(SUM, field);
      outputs.push_back({place, total(COUNT, field), field, static_cast<Item_sum_avg *>(item)->prec_increment});
      return true;
    }
    case Item_sum::MIN_FUNC:
    case Item_sum::MAX_FUNC:
      /* The server shows a YEAR of 0 as 0 or as 0000: by how it sums up. */
      if (!field || vamos_meaning(field) == VAMOS_MEANS_YEAR || !keeps_values(field))
        return false;
      outputs.push_back({total(item->sum_func() == Item_sum::MIN_FUNC ? MIN : MAX, field), UINT32_MAX, field, 0});
      return true;
    default:
      return false;
    }
  }

  vamos_value value(uint32_t place, const Field *source) const {
    vamos_value out;
    vamos_summary_value(rust, file->rust_handler(), place, source ? source->field_index : UINT32_MAX, &out);
    return out;
  }

  void store(const Output &output, Field *field) const {
    const vamos_value found = value(output.place, output.source);
    if (!found.kind) {
      field->reset();
      field->set_null();
      return;
    }
    field->set_notnull();
    if (!output.source)
      field->store(found.number, true);
    else
      store_number(output, found, field);
  }

  void store_number(const Output &output, const vamos_value &found, Field *field) const {
    switch (vamos_meaning(output.source)) {
    case VAMOS_MEANS_DATE:
      if (field->real_type() == MYSQL_TYPE_NEWDATE) {
        /* Back from (year * 13 + month) * 32 + day. */
        const longlong day = found.number >> 41;
        const longlong months = day >> 5;
        int3store(field->ptr, static_cast<uint32_t>((months / 13) << 9 | (months % 13) << 5 | (day & 31)));
        return;
      }
      break;
    case VAMOS_MEANS_DATETIME:
      if (field->real_type() == MYSQL_TYPE_DATETIME2) {
        my_datetime_packed_to_binary(found.number, field->ptr, field->decimals());
        return;
      }
      break;
    case VAMOS_MEANS_YEAR:
      field->store(found.number, true);
      return;
    default: {
      my_decimal number, count, quotient;
      char *end = const_cast<char *>(found.digits) + found.length;
      str2my_decimal(E_DEC_FATAL_ERROR, found.digits, &number, &end);
      if (output.divisor != UINT32_MAX) {
        int2my_decimal(E_DEC_FATAL_ERROR, value(output.divisor, nullptr).number, true, &count);
        my_decimal_div(E_DEC_FATAL_ERROR, &quotient, &number, &count, static_cast<int>(output.increment));
        field->store_decimal(&quotient);
      } else {
        field->store_decimal(&number);
      }
      return;
    }
    }
    MYSQL_TIME time;
    unpack_time(found.number, &time, MYSQL_TIMESTAMP_DATETIME);
    field->store_time_dec(&time, output.source->decimals());
  }
};

/* The scan that the server has planned; false: something better than a scan of
   the whole table. */
bool scans_all(const JOIN_TAB *tab, uint32_t *key) {
  *key = UINT32_MAX;
  if (tab->use_quick == 2 || (tab->select && tab->select->quick) || tab->quick)
    return false;
  if (tab->type == JT_NEXT)
    *key = tab->index;
  return tab->type == JT_ALL || tab->type == JT_NEXT;
}

} // namespace

/* Called when the optimizer is done with a query. */
group_by_handler *vamos_create_group_by(THD *thd, Query *query) {
  TABLE_LIST *const from = query->from;
  if (!vamos_may_push(thd, VAMOS_PUSH_SUMMARY) || thd->lex->sql_command != SQLCOM_SELECT || !from ||
      from->next_local || !from->table || from->table->part_info || query->distinct)
    return nullptr;
  SELECT_LEX *const select = thd->lex->current_select;
  const JOIN *const join = select ? select->join : nullptr;
  if (!join || join->table_count != 1 || join->const_tables || !join->join_tab ||
      join->join_tab->table != from->table || select->olap != UNSPECIFIED_OLAP_TYPE || select->have_window_funcs() ||
      (select->uncacheable & UNCACHEABLE_DEPENDENT) || !(query->group_by || join->implicit_grouping))
    return nullptr;
  /* A subquery in HAVING may look at columns of the table's rows; and the server
     does not count the groups behind a LIMIT that an engine makes. */
  if ((query->having && query->having->with_subquery()) || (select->options & OPTION_FOUND_ROWS))
    return nullptr;
  auto *const file = static_cast<ha_vamos *>(from->table->file);
  uint32_t key;
  if (!file->reads_snapshot() || !scans_all(join->join_tab, &key))
    return nullptr;
  auto summary = std::make_unique<Summary>(thd, file);
  if (!summary->take(query, key))
    return nullptr;
  /* Both are the engine's from now on. */
  query->group_by = query->order_by = nullptr;
  return summary.release();
}
