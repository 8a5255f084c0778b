/* What the optimizer asks: sizes, distributions and costs. Plans are to come out
   as InnoDB's for the same data, so what follows counts in pages as InnoDB does,
   though the host's files have none such. */
#include "handler.h"
#include "sql_class.h"
#include <algorithm>
#include <cmath>

namespace {

/* Bytes of a page, and how many of them InnoDB fills with rows. */
constexpr double PAGE = 16384;
constexpr double PAGE_FILL = PAGE * 15 / 16;

/* What InnoDB adds to a row: its header and, in the primary index, two hidden
   columns. */
constexpr double ROW_OVERHEAD = 18;
constexpr double ENTRY_OVERHEAD = 5;

double pages_of(double rows, double bytes) { return std::floor(rows * bytes / PAGE_FILL) + 1; }

} // namespace

/* Half of what was counted, as InnoDB has it: "MySQL seems to favor table scans
   too much over index searches" (its comment there). */
void ha_vamos::set_rec_per_key() {
  for (uint i = 0; i < table_share->keys; i++) {
    KEY &key = table->key_info[i];
    if (!key.rec_per_key)
      continue;
    for (uint part = 0; part < key.ext_key_parts; part++) {
      const double rows = vamos_rows_per_value(rust, i, part + 1, stats.records) / 2;
      key.rec_per_key[part] = static_cast<ulong>(std::max(rows, 1.0));
    }
  }
}

int ha_vamos::read_sizes(vamos_wish wish) {
  vamos_stats sizes = {};
  const int error = vamos_table_stats(rust, connection(), wish, &sizes);
  if (error)
    return error;
  const double rows = static_cast<double>(sizes.rows);
  data_pages = pages_of(rows, sizes.entry_bytes + ROW_OVERHEAD);
  const uint secondary = table_share->keys - (has_primary_key() ? 1 : 0);
  const double index_pages =
      secondary ? pages_of(rows, sizes.secondary_bytes + secondary * ENTRY_OVERHEAD) + secondary - 1 : 0;
  stats.records = sizes.rows;
  stats.deleted = 0;
  stats.block_size = static_cast<ulong>(PAGE);
  stats.max_data_file_length = 0;
  stats.data_file_length = static_cast<ulonglong>(data_pages * PAGE);
  stats.index_file_length = static_cast<ulonglong>(index_pages * PAGE);
  stats.mean_rec_length = sizes.rows ? static_cast<ulong>(stats.data_file_length / sizes.rows) : 0;
  return 0;
}

/* Called by the optimizer and after errors; `flag` says what is wanted. */
int ha_vamos::info(uint flag) {
  if (flag & (HA_STATUS_VARIABLE | HA_STATUS_CONST)) {
    const bool fresh = flag & HA_STATUS_TIME;
    const vamos_wish wish = (flag & HA_STATUS_OPEN) ? VAMOS_KNOWN : fresh ? VAMOS_FRESH : VAMOS_RECENT;
    const int error = read_sizes(wish);
    vamos_server_report_kill(ha_thd());
    if (error)
      return error;
    /* A table that seems empty would be read at once, as a constant. */
    if (!stats.records && !fresh)
      stats.records = 1;
    set_rec_per_key();
  }
  if (flag & HA_STATUS_ERRKEY)
    errkey = vamos_duplicate_key(connection());
  if (flag & HA_STATUS_AUTO)
    stats.auto_increment_value = table->found_next_number_field ? vamos_auto_increment_next(rust) : 0;
  return 0;
}

int ha_vamos::analyze(THD *, HA_CHECK_OPT *) {
  if (read_sizes(VAMOS_ANALYZED))
    return HA_ADMIN_FAILED;
  set_rec_per_key();
  return HA_ADMIN_OK;
}

/* ---- Costs ---- */

double ha_vamos::scan_time() { return data_pages; }

/* A part of the primary index costs its part of a scan, and a search for each
   range. Rows found through another index cost a search each (the default). */
double ha_vamos::read_time(uint index, uint ranges, ha_rows rows) {
  if (index != table_share->primary_key)
    return handler::read_time(index, ranges, rows);
  const double all = static_cast<double>(std::max<ha_rows>(stats.records, 1));
  if (static_cast<double>(rows) >= all)
    return data_pages;
  return ranges + static_cast<double>(rows) / all * data_pages;
}

/* ---- Ranges ---- */

ha_rows ha_vamos::records_in_range(uint index, const key_range *min, const key_range *max, page_range *) {
  return vamos_range_rows(rust, connection(), index, min ? min->key : nullptr, min ? min->length : 0,
                          min ? min->flag : 0, max ? max->key : nullptr, max ? max->length : 0,
                          max ? max->flag : 0);
}

/* The server's own estimate, which calls records_in_range() for each range: the
   first of these calls asks the host about all of them. */
ha_rows ha_vamos::multi_range_read_info_const(uint index, RANGE_SEQ_IF *ranges, void *parameter, uint count,
                                              uint *buffer_size, uint *flags, Cost_estimate *cost) {
  KEY_MULTI_RANGE range;
  range_seq_t position = ranges->init(parameter, count, *flags);
  while (!ranges->next(position, &range)) {
    /* The server knows that there is one. */
    if ((range.range_flag & UNIQUE_RANGE) && !(range.range_flag & NULL_RANGE))
      continue;
    const key_range &min = range.start_key, &max = range.end_key;
    vamos_expect_range(rust, connection(), index, min.length ? min.key : nullptr, min.length, min.flag,
                       max.length ? max.key : nullptr, max.length, max.flag);
  }
  const ha_rows rows = handler::multi_range_read_info_const(index, ranges, parameter, count, buffer_size, flags, cost);
  vamos_forget_expected(rust);
  vamos_server_report_kill(ha_thd());
  return rows;
}
