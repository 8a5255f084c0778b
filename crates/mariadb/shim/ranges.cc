/* Reading several ranges (IN lists, batched joins): see ranges.h. */
#include "handler.h"
#include "sql_priv.h"

namespace {

/* Ranges taken from the server at first, and at most. Their keys are of at most
   3 KB, so they fit a message. */
constexpr size_t FIRST = 32, MOST = 256;

void copy_end(key_range &end, std::vector<uchar> &bytes) {
  bytes.assign(end.key, end.key + (end.key ? end.length : 0));
  if (end.key)
    end.key = bytes.data();
}

range_seq_t begin_ranges(void *handler, uint, uint) { return handler; }

bool next_range(range_seq_t handler, KEY_MULTI_RANGE *range) {
  return static_cast<ha_vamos *>(handler)->next_range(range);
}

} // namespace

void Range_queue::begin(const RANGE_SEQ_IF *server, void *parameter, uint count, uint flags) {
  functions = *server;
  position = functions.init(parameter, count, flags);
  kept = given = 0;
  wanted = FIRST;
  finished = false;
}

void Range_queue::forget() {
  kept = given = 0;
  finished = true;
}

const std::vector<vamos_range> &Range_queue::take() {
  kept = given = 0;
  while (!finished && kept < wanted) {
    if (kept == ranges.size())
      ranges.emplace_back();
    Range &place = ranges[kept];
    finished = functions.next(position, &place.range);
    if (finished)
      break;
    copy_end(place.range.start_key, place.min);
    copy_end(place.range.end_key, place.max);
    kept++;
  }
  wanted = std::min(wanted * 2, MOST);
  described.clear();
  for (size_t i = 0; i < kept; i++) {
    const key_range &min = ranges[i].range.start_key, &max = ranges[i].range.end_key;
    const bool has_min = min.keypart_map, has_max = max.keypart_map;
    described.push_back({has_min ? min.key : nullptr, has_max ? max.key : nullptr, min.length, min.flag, max.length,
                         max.flag});
  }
  return described;
}

bool Range_queue::next(KEY_MULTI_RANGE *range) {
  if (is_empty())
    return true;
  *range = ranges[given++].range;
  return false;
}

/* The server's own reading of ranges, one by one, but the host is asked for some
   of them together: read_range_first() then finds its rows already there. */
int ha_vamos::multi_range_read_init(RANGE_SEQ_IF *functions, void *parameter, uint count, uint mode,
                                    HANDLER_BUFFER *buffer) {
  queue.begin(functions, parameter, count, mode);
  ahead_error = 0;
  RANGE_SEQ_IF ours = {};
  ours.init = begin_ranges;
  ours.next = ::next_range;
  return handler::multi_range_read_init(&ours, this, count, mode, buffer);
}

/* The server leaves a batched join's condition that needs both tables' columns to
   whoever reads the ranges, and does not check it again.
   An error is reported here, as the server's own readers of ranges do (Mrr_simple_index_reader
   in sql/multi_range_read.cc): who merges several indexes tells the client nothing, and an
   UPDATE that has met a lock would seem to have found no rows. */
int ha_vamos::multi_range_read_next(range_id_t *range) {
  int error;
  do
    error = handler::multi_range_read_next(range);
  while (!error && queue.rejects(*range));
  if (ahead_error)
    error = ahead_error;
  if (error && error != HA_ERR_END_OF_FILE && error != HA_ERR_KEY_NOT_FOUND)
    print_error(error, MYF(0));
  return error;
}

bool ha_vamos::next_range(KEY_MULTI_RANGE *range) {
  if (queue.is_empty()) {
    const std::vector<vamos_range> &ranges = queue.take();
    choose_columns();
    /* Changes that were gathered are sent first: what became of those does not come up
       again. The sequence ends, and multi_range_read_next() says why. */
    ahead_error = vamos_read_ahead(rust, connection(), reads_index_alone(), ranges.data(), ranges.size());
    if (ahead_error)
      return true;
  }
  return queue.next(range);
}

/* Joins that gather rows before they look for their partners (BKA) ask whether
   ranges are read together; InnoDB says so if the switch `mrr` is on. */
ha_rows ha_vamos::multi_range_read_info(uint index, uint ranges, uint rows, uint parts, uint *buffer_size, uint *flags,
                                        Cost_estimate *cost) {
  const ha_rows result = handler::multi_range_read_info(index, ranges, rows, parts, buffer_size, flags, cost);
  if (table->in_use->variables.optimizer_switch & OPTIMIZER_SWITCH_MRR)
    *flags &= ~HA_MRR_USE_DEFAULT_IMPL;
  return result;
}

/* For EXPLAIN. */
int ha_vamos::multi_range_read_explain_info(uint mode, char *text, size_t size) {
  return (mode & HA_MRR_USE_DEFAULT_IMPL) ? 0 : static_cast<int>(my_snprintf(text, size, "Ranges together"));
}
