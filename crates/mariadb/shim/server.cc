/* What the Rust side needs of the server: collations, sort keys of fields, and
   the state of a connection. Each function is called from the thread that runs
   the statement. */
#include "server.h"
#include "handler.h"
#include <mysqld.h>
#include <algorithm>

namespace {

const CHARSET_INFO *charset(const void *collation) {
  return static_cast<const CHARSET_INFO *>(collation);
}

/* The Czech collations make weights for several passes over the text and end
   each pass by a mark, so that the whole sorts as bytes but pads with nothing. */
bool is_czech(const CHARSET_INFO *cs) {
  return !strcmp(cs->coll_name.str, "latin2_czech_cs") || !strcmp(cs->coll_name.str, "cp1250_czech_cs");
}

/* big5_chinese_ci and its NO PAD sister: strnxfrm gives characters of one stroke
   count the same weight, which comparing does not. An index must tell apart what
   comparing tells apart, so these weights are those that comparing uses. */
bool is_big5(const CHARSET_INFO *cs) { return cs->number == 1 || cs->number == 1025; }

size_t big5_weights(const CHARSET_INFO *cs, const uint8_t *text, size_t length, uint8_t *weights, size_t size) {
  const char *const end = reinterpret_cast<const char *>(text + length);
  uint8_t *out = weights;
  for (const char *at = reinterpret_cast<const char *>(text); at < end && out + 2 <= weights + size;) {
    const uint bytes = my_ismbchar(cs, at, end);
    if (bytes == 2) {
      *out++ = static_cast<uint8_t>(at[0]);
      *out++ = static_cast<uint8_t>(at[1]);
      at += 2;
    } else {
      *out++ = cs->sort_order[static_cast<uint8_t>(*at++)];
    }
  }
  return static_cast<size_t>(out - weights);
}

void add_level(const CHARSET_INFO *cs, vamos_collation *out, uint32_t flags, bool pad_space) {
  vamos_level &level = out->levels[out->level_count++];
  uchar space[8];
  const int bytes = cs->wc_mb(' ', space, space + sizeof space);
  level.flags = flags;
  level.pad_space = pad_space;
  level.pad_length = static_cast<uint8_t>(
      cs->strnxfrm(level.pad, sizeof level.pad, UINT_MAX32, space, std::max(bytes, 0), flags));
}

} // namespace

void vamos_server_collation(const void *collation, vamos_collation *out) {
  const CHARSET_INFO *cs = charset(collation);
  memset(out, 0, sizeof *out);
  out->binary = cs == &my_charset_bin;
  out->multi_byte = cs->mbmaxlen > 1;
  out->max_bytes = cs->mbmaxlen;
  if (out->binary)
    return;
  const bool no_pad = cs->state & MY_CS_NOPAD;
  if (is_czech(cs)) {
    out->trim = 1;
    add_level(cs, out, 0, false);
    return;
  }
  if (!cs->uca || cs->levels_for_order <= 1) {
    add_level(cs, out, 0, !no_pad);
    return;
  }
  /* Several levels: NO PAD is a property of the first one alone. */
  for (uint level = 0; level < 6; level++)
    if (cs->levels_for_order & (1U << level))
      add_level(cs, out, MY_STRXFRM_LEVEL1 << level, level > 0 || !no_pad);
}

size_t vamos_server_weights_bound(const void *collation, size_t length) {
  /* Room for expansions beyond what strnxfrmlen foresees. */
  return std::max<size_t>(charset(collation)->strnxfrmlen(length), length * 4) + 64;
}

size_t vamos_server_weights(const void *collation, uint32_t flags, const uint8_t *text, size_t length,
                            uint8_t *weights, size_t size) {
  if (is_big5(charset(collation)))
    return big5_weights(charset(collation), text, length, weights, size);
  return charset(collation)->strnxfrm(weights, size, UINT_MAX32, text, length, flags);
}

size_t vamos_server_trimmed(const void *collation, const uint8_t *text, size_t length) {
  return charset(collation)->lengthsp(reinterpret_cast<const char *>(text), length);
}

size_t vamos_server_characters(const void *collation, const uint8_t *text, size_t length, size_t characters) {
  const char *start = reinterpret_cast<const char *>(text);
  return std::min(length, charset(collation)->charpos(start, start + length, characters));
}

void vamos_server_sort_string(void *field_pointer, const uint8_t *value, uint8_t *out, uint32_t length) {
  Field *field = static_cast<Field *>(field_pointer);
  uchar *const place = field->ptr;
  field->ptr = const_cast<uchar *>(value);
  field->sort_string(out, length);
  field->ptr = place;
}

uint8_t vamos_server_killed(const void *thd) {
  return thd_kill_level(static_cast<const THD *>(thd)) != THD_IS_NOT_KILLED;
}

uint8_t vamos_server_is_stopping() { return abort_loop; }

/* While the server recovers, nobody is there to end what would be waited for. */
uint32_t vamos_server_lock_wait_seconds(void *thd) {
  return mysqld_server_started ? vamos_lock_wait_seconds(static_cast<THD *>(thd)) : 0;
}

uint64_t vamos_server_connection_number(const void *thd) {
  return thd_get_thread_id(static_cast<const THD *>(thd));
}

void vamos_server_must_rollback(void *thd) { static_cast<THD *>(thd)->mark_transaction_to_rollback(true); }

/* An engine that only reads is not asked before the other engines and the log commit. On
   a server that is read-only nobody else writes, and one that writes is refused. */
void vamos_server_must_prepare(void *thd_pointer) {
  THD *thd = static_cast<THD *>(thd_pointer);
  Ha_trx_info *info = &thd->ha_data[vamos_hton->slot].ha_info[0];
  if (info->is_started() && !thd->is_read_only_ctx())
    info->set_trx_read_write();
}

/* The server takes a statement that was killed for one that found no rows, and says that
   it succeeded, where it looks only for errors. */
void vamos_server_report_kill(void *thd_pointer) {
  THD *thd = static_cast<THD *>(thd_pointer);
  if (thd && thd->killed && !thd->is_error())
    thd->send_kill_message();
}

/* For SHOW PROCESSLIST. */
void vamos_server_alter_progress(void *thd, uint64_t done, uint64_t all) {
  thd_progress_report(static_cast<THD *>(thd), done, all);
}

/* The server's own, in no header of its. */
extern "C" int thd_rpl_deadlock_check(MYSQL_THD thd, MYSQL_THD other_thd);

void vamos_server_report_wait_for(void *thd, void *other) {
  thd_rpl_deadlock_check(static_cast<THD *>(thd), static_cast<THD *>(other));
}

void vamos_server_checkpoint_reached(void *cookie) { commit_checkpoint_notify_ha(cookie); }
