/* Ranges that the server gives one by one, taken from it some at a time, so that
   the host can be asked for them together. */
#pragma once
#include "server.h"
#include "boundary.h"
#include <vector>

class Range_queue {
public:
  /* The server's own sequence begins. */
  void begin(const RANGE_SEQ_IF *server, void *parameter, uint count, uint flags);
  /* The next range, as the server's sequence would give it. */
  bool next(KEY_MULTI_RANGE *range);
  /* Whether next() has to take ranges from the server. */
  bool is_empty() const { return given == kept; }
  /* Takes the next ranges from the server, more each time, and describes them. */
  const std::vector<vamos_range> &take();
  void forget();
  /* Whether the server has no use for the row that was found in this range: a
     batched join's condition on columns of the index. */
  bool rejects(range_id_t range) const {
    return functions.skip_index_tuple && functions.skip_index_tuple(position, range);
  }

private:
  struct Range {
    KEY_MULTI_RANGE range;
    std::vector<uchar> min, max;
  };
  RANGE_SEQ_IF functions = {};
  range_seq_t position = nullptr;
  std::vector<Range> ranges;
  std::vector<vamos_range> described;
  size_t kept = 0, given = 0, wanted = 0;
  bool finished = true;
};
