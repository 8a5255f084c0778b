/* Two-phase commit, with the binary log, with other engines and for XA:

     prepare                        the changes are on the host's disk; also XA PREPARE
     commit_ordered                 the commit is sent, in the binary log's order; nobody waits here
     commit (engine.cc)             the commit's answer is waited for
     recover                        names what is prepared, when the server starts
     commit_by_xid, rollback_by_xid end it, then and for XA COMMIT from elsewhere
     commit_checkpoint_request      commits that were ordered are to be on disk */
#include "handler.h"
#include <algorithm>
#include <log.h>
#include <mysqld.h>

namespace {

/* X/Open's codes, which the server's headers leave out. */
const int no_such_xid = -4;
const int resource_failed = -3;

vamos_xid to_vamos(const XID &from) {
  vamos_xid to = {};
  to.format = from.formatID;
  to.global_length = static_cast<uint32_t>(from.gtrid_length);
  to.branch_length = static_cast<uint32_t>(from.bqual_length);
  memcpy(to.data, from.data, std::min<size_t>(from.gtrid_length + from.bqual_length, sizeof to.data));
  return to;
}

void from_vamos(const vamos_xid &from, XID *to) {
  to->formatID = static_cast<long>(from.format);
  to->gtrid_length = from.global_length;
  to->bqual_length = from.branch_length;
  memcpy(to->data, from.data, std::min(sizeof to->data, sizeof from.data));
}

int prepare(handlerton *, THD *thd, bool all) {
  vamos_rust_connection *connection = vamos_connection(thd);
  if (!all && vamos_in_transaction(thd))
    return vamos_report(thd, vamos_statement_end(connection));
  const vamos_xid xid = to_vamos(*thd->get_xid());
  return vamos_report(thd, vamos_prepare(connection, &xid, vamos_durability_of(thd)));
}

/* Called by whichever thread leads the group, while the connection's own waits. */
void commit_ordered(handlerton *hton, THD *thd, bool) {
  if (auto *connection = static_cast<vamos_rust_connection *>(thd_get_ha_data(thd, hton)))
    vamos_commit_ordered(connection, vamos_durability_of(thd));
}

/* Without the host the server must not start: what is prepared there would be
   forgotten by the log that tells how it ends. */
int recover(handlerton *, XID *list, uint length) {
  std::vector<vamos_xid> found(std::min<uint>(length, 4096));
  uint count = 0;
  while (count < length) {
    char message[512];
    const uint wanted = std::min<uint>(length - count, static_cast<uint>(found.size()));
    const int more = vamos_recover(found.data(), wanted, vamos_start_wait_seconds(), message, sizeof message);
    if (more < 0) {
      sql_print_error("VAMOS: prepared transactions cannot be recovered: %s. The server does not start without the "
                      "host; start vamosd first, or remove ha_vamos from the plugins.",
                      message);
      unireg_abort(1);
    }
    for (int i = 0; i < more; i++)
      from_vamos(found[i], &list[count++]);
    if (static_cast<uint>(more) < wanted)
      break;
  }
  return static_cast<int>(count);
}

/* XA COMMIT and XA ROLLBACK look at the diagnostics, recovery at the result. */
int end_by_xid(XID *xid, bool commit) {
  THD *thd = current_thd;
  char message[512];
  const vamos_xid name = to_vamos(*xid);
  switch (vamos_end_by_xid(thd ? vamos_connection(thd) : nullptr, &name, commit, message, sizeof message)) {
  case 0:
    return 0;
  case 1:
    return no_such_xid;
  }
  sql_print_error("VAMOS: a prepared transaction cannot be %s: %s", commit ? "committed" : "rolled back", message);
  if (thd)
    my_printf_error(ER_XAER_RMERR, "VAMOS: %s", MYF(0), message);
  return resource_failed;
}

int commit_by_xid(handlerton *, XID *xid) { return end_by_xid(xid, true); }

int rollback_by_xid(handlerton *, XID *xid) { return end_by_xid(xid, false); }

void checkpoint_request(void *cookie) { vamos_checkpoint(cookie); }

} // namespace

void vamos_set_two_phase(handlerton *hton) {
  hton->prepare = prepare;
  hton->commit_ordered = commit_ordered;
  hton->recover = recover;
  hton->commit_by_xid = commit_by_xid;
  hton->rollback_by_xid = rollback_by_xid;
  hton->commit_checkpoint_request = checkpoint_request;
}
