/* Conditions of the server's, for the Rust side; see boundary.h. */
#pragma once
#include "server.h"
#include "boundary.h"
#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

/* Nodes of a condition, and the bytes that they point to. */
class Vamos_nodes {
public:
  vamos_node &node(uint8_t what) {
    nodes.push_back({});
    nodes.back().what = what;
    return nodes.back();
  }
  vamos_node &last() { return nodes.back(); }
  void bytes(const char *start, size_t length) {
    kept.emplace_back(start, length);
    last().bytes = reinterpret_cast<const uint8_t *>(kept.back().data());
    last().length = length;
  }
  /* How texts of a collation compare; null if it cannot be said. */
  const vamos_text_order *order(const CHARSET_INFO *collation);
  const vamos_node *data() const { return nodes.data(); }
  size_t size() const { return nodes.size(); }

private:
  std::vector<vamos_node> nodes;
  std::deque<std::string> kept;
  std::vector<std::pair<const CHARSET_INFO *, std::unique_ptr<vamos_text_order>>> orders;
};

/* What a column's values mean to the host. */
vamos_means vamos_meaning(const Field *field);
/* Writes a condition on rows of the table down; says whether it could. */
bool vamos_write_condition(const TABLE *table, Item *item, Vamos_nodes &out);
/* Gives the handler a condition, or those parts of it, all of which must hold,
   that the host can evaluate. Says whether that was all of it. */
bool vamos_push_condition(vamos_rust_handler *rust, const TABLE *table, uint32_t key, Item *item);
