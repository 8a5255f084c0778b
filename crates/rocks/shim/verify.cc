/* The one thing that RocksDB's C interface lacks and the store needs: reading a
   whole table file against its checksums (SstFileReader::VerifyChecksum in
   rocksdb/sst_file_reader.h), from the disk and past the block cache. */
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <cstdlib>
#include <cstring>
#include <string>

/* Null if the file is whole; else a message, to be freed by free(). */
extern "C" char *vamos_rocks_verify_file(const char *path) noexcept {
  rocksdb::Options options;
  options.paranoid_checks = true;
  rocksdb::SstFileReader reader(options);
  rocksdb::Status status = reader.Open(path);
  if (status.ok())
    status = reader.VerifyChecksum();
  return status.ok() ? nullptr : strdup(status.ToString().c_str());
}
