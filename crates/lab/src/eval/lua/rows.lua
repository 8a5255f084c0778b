-- Requests on rows of one size: sysbench runs this with --mode.

sysbench.cmdline.options = {
   mode = {"point, range, scan, insert, update or load", "point"},
   table = {"The table", "r1024"},
   table_rows = {"Rows of the table", 1000},
   row_bytes = {"Bytes of a row's payload", 1024},
   rows = {"Rows of a range or a load", 100},
   engine = {"Engine of a loaded table", "InnoDB"},
   first = {"First number of inserted rows", 100000000},
}

local opt, statement, id, last, payload, serial

local function text(bytes)
   local line = ("@"):rep(math.min(bytes, 64))
   local parts = {}
   for part = 1, math.ceil(bytes / #line) do
      parts[part] = sysbench.rand.string(line)
   end
   return table.concat(parts):sub(1, bytes)
end

local prepare = {}

function prepare.point(con)
   statement = con:prepare("SELECT payload FROM " .. opt.table .. " WHERE id = ?")
   id = statement:bind_create(sysbench.sql.type.BIGINT)
   statement:bind_param(id)
end

function prepare.range(con)
   statement = con:prepare("SELECT payload FROM " .. opt.table .. " WHERE id BETWEEN ? AND ?")
   id = statement:bind_create(sysbench.sql.type.BIGINT)
   last = statement:bind_create(sysbench.sql.type.BIGINT)
   statement:bind_param(id, last)
end

function prepare.insert(con)
   statement = con:prepare("INSERT INTO " .. opt.table .. " (id, k, payload) VALUES (?, 1, ?)")
   id = statement:bind_create(sysbench.sql.type.BIGINT)
   payload = statement:bind_create(sysbench.sql.type.VARCHAR, opt.row_bytes)
   statement:bind_param(id, payload)
   serial = opt.first + sysbench.tid * 1000000
end

function prepare.update(con)
   statement = con:prepare("UPDATE " .. opt.table .. " SET payload = ? WHERE id = ?")
   payload = statement:bind_create(sysbench.sql.type.VARCHAR, opt.row_bytes)
   id = statement:bind_create(sysbench.sql.type.BIGINT)
   statement:bind_param(payload, id)
end

function prepare.scan(con)
end

prepare.load = prepare.scan

local run = {}

function run.point()
   id:set(sysbench.rand.uniform(1, opt.table_rows))
   statement:execute():free()
end

function run.range()
   local first = sysbench.rand.uniform(1, math.max(1, opt.table_rows - opt.rows + 1))
   id:set(first)
   last:set(first + opt.rows - 1)
   statement:execute():free()
end

function run.insert()
   serial = serial + 1
   id:set(serial)
   payload:set(text(opt.row_bytes))
   statement:execute()
end

function run.update()
   id:set(sysbench.rand.uniform(1, opt.table_rows))
   payload:set(text(opt.row_bytes))
   statement:execute()
end

function run.scan(con)
   con:query("SELECT COUNT(*), SUM(LENGTH(payload)) FROM " .. opt.table .. " FORCE INDEX (PRIMARY)")
end

-- A new table is filled by one statement.
function run.load(con)
   serial = (serial or 0) + 1
   local name = "loaded_" .. sysbench.tid .. "_" .. serial
   con:query("DROP TABLE IF EXISTS " .. name)
   con:query("CREATE TABLE " .. name .. " (id BIGINT PRIMARY KEY, k INT NOT NULL, payload MEDIUMBLOB NOT NULL) ENGINE=" .. opt.engine)
   con:query("INSERT INTO " .. name .. " SELECT seq, seq, RANDOM_BYTES(" .. opt.row_bytes .. ") FROM seq_1_to_" .. opt.rows)
   con:query("DROP TABLE " .. name)
end

local con

function thread_init()
   opt = sysbench.opt
   con = sysbench.sql.driver():connect()
   prepare[opt.mode](con)
end

function event()
   run[opt.mode](con)
end

function thread_done()
   con:disconnect()
end
