#!/bin/sh
# Stands where MariaDB's test runner looks for the server: gives each server of
# the runner a host daemon of its own, whose store lies in the server's data
# directory, so that a fresh data directory is a fresh store.
tree='@TREE@'
set -e
case " $* " in
*' --bootstrap '* | *' --help '* | *' --version '*) exec '@MARIADBD@' "$@" ;;
esac
for arg; do
  case $arg in
  --defaults-file=*) file=$arg ;;
  --defaults-group-suffix=*) suffix=$arg ;;
  esac
done
datadir=$("$tree/bin/my_print_defaults" "$file" "$suffix" mysqld | sed -n 's/^--datadir=//p' | tail -n 1)
if ! grep -q ha_vamos "$tree/arm" || [ -z "$datadir" ]; then
  exec '@MARIADBD@' "$@" $(cat "$tree/arm")
fi
run=$(dirname "$datadir")/vamos
mkdir -p "$run" "$datadir"
chmod 755 "$run"
socket=$run/guest.sock
rm -f "$socket"
cat >"$run/vamosd.toml" <<END
[global]
state_dir = "$datadir/#vamos"
run_dir = "$run"
restart_pause_max_ms = 200

[[guest]]
name = "mtr"
listen = "unix:$socket"
END
# The daemon dies with the server, which this process is about to become.
setpriv --pdeathsig KILL '@VAMOSD@' --config "$run/vamosd.toml" </dev/null >>"$run/vamosd.log" 2>&1 &
tries=0
while [ ! -S "$socket" ]; do
  tries=$((tries + 1))
  if [ $tries -gt 500 ]; then
    echo "vamosd does not listen:" >&2
    tail -n 20 "$run/vamosd.log" >&2
    exit 1
  fi
  sleep 0.02
done
# The host's state lies in the data directory, with which it comes and goes; it is no
# database.
exec '@MARIADBD@' "$@" $(cat "$tree/arm") "--vamos-endpoint=unix:$socket" '--ignore-db-dirs=#vamos'
