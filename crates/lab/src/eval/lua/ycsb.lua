-- The core workloads A to F of YCSB (Cooper et al., "Benchmarking Cloud Serving
-- Systems with YCSB", SoCC 2010): sysbench runs this with --mix.

sysbench.cmdline.options = {
   mix = {"a to f", "a"},
   table_rows = {"Rows of the table", 1000},
   longest_scan = {"Most rows of a scan", 100},
   first = {"First number of inserted rows", 100000000},
}

local FIELDS, FIELD_BYTES = 10, 100

-- Shares of reads, updates, inserts, scans and of reads with an update behind, in
-- percent, and how the records are chosen.
local MIXES = {
   a = {read = 50, update = 50, choice = "zipfian"},
   b = {read = 95, update = 5, choice = "zipfian"},
   c = {read = 100, choice = "zipfian"},
   d = {read = 95, insert = 5, choice = "latest"},
   e = {scan = 95, insert = 5, choice = "zipfian"},
   f = {read = 50, modify = 50, choice = "zipfian"},
}

-- Numbers from 0 to n - 1, small ones more often: the generator of Gray et al.,
-- "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994), with the
-- constant that YCSB uses.
local THETA = 0.99

local function zeta(n)
   local sum = 0
   for i = 1, n do
      sum = sum + 1 / i ^ THETA
   end
   return sum
end

local zipf = {}

local function prepare_zipf(n)
   zipf.n, zipf.zeta = n, zeta(n)
   zipf.alpha = 1 / (1 - THETA)
   zipf.eta = (1 - (2 / n) ^ (1 - THETA)) / (1 - zeta(2) / zipf.zeta)
end

local function rank()
   local u = sysbench.rand.uniform_double()
   local uz = u * zipf.zeta
   if uz < 1 then return 0 end
   if uz < 1 + 0.5 ^ THETA then return 1 end
   return math.floor(zipf.n * (zipf.eta * u - zipf.eta + 1) ^ zipf.alpha)
end

local opt, con, mix, statements, serial

-- Popular records lie anywhere: the rank is scattered by a multiplication with a
-- number that has no factor in common with that of the rows.
local function scattered()
   return (rank() * 7368787) % zipf.n + 1
end

-- The last inserted ones of this connection are the most popular, then the last of
-- the table.
local function latest()
   local back = rank()
   local own = serial - (opt.first + sysbench.tid * 1000000)
   if back < own then
      return serial - back
   end
   return math.max(1, opt.table_rows - (back - own))
end

local function choose()
   return mix.choice == "latest" and latest() or scattered()
end

local function value()
   return sysbench.rand.string(("@"):rep(FIELD_BYTES))
end

local function prepared(sql, ...)
   local statement = {sql = con:prepare(sql), values = {}}
   for place, kind in ipairs({...}) do
      statement.values[place] = kind == "text"
         and statement.sql:bind_create(sysbench.sql.type.VARCHAR, FIELD_BYTES)
         or statement.sql:bind_create(sysbench.sql.type.BIGINT)
   end
   statement.sql:bind_param(unpack(statement.values))
   return statement
end

local function execute(statement, ...)
   for place, value in ipairs({...}) do
      statement.values[place]:set(value)
   end
   return statement.sql:execute()
end

local function prepare()
   local names, texts = {}, {}
   statements = {
      read = prepared("SELECT * FROM usertable WHERE id = ?", "number"),
      scan = prepared("SELECT * FROM usertable WHERE id >= ? ORDER BY id LIMIT ?", "number", "number"),
      update = {},
   }
   for field = 1, FIELDS do
      names[field], texts[field] = "?", "text"
      statements.update[field] =
         prepared("UPDATE usertable SET field" .. field - 1 .. " = ? WHERE id = ?", "text", "number")
   end
   statements.insert =
      prepared("INSERT INTO usertable VALUES (?, " .. table.concat(names, ", ") .. ")", "number", unpack(texts))
end

local run = {}

function run.read()
   execute(statements.read, choose()):free()
end

function run.update()
   execute(statements.update[sysbench.rand.uniform(1, FIELDS)], value(), choose())
end

function run.insert()
   serial = serial + 1
   local values = {}
   for field = 1, FIELDS do
      values[field] = value()
   end
   execute(statements.insert, serial, unpack(values))
end

function run.scan()
   execute(statements.scan, choose(), sysbench.rand.uniform(1, opt.longest_scan)):free()
end

function run.modify()
   local id = choose()
   execute(statements.read, id):free()
   execute(statements.update[sysbench.rand.uniform(1, FIELDS)], value(), id)
end

function thread_init()
   opt = sysbench.opt
   mix = assert(MIXES[opt.mix], "--mix is one of a to f")
   con = sysbench.sql.driver():connect()
   serial = opt.first + sysbench.tid * 1000000
   prepare_zipf(opt.table_rows)
   prepare()
end

function event()
   local left = sysbench.rand.uniform(1, 100)
   for _, kind in ipairs({"read", "update", "insert", "scan", "modify"}) do
      left = left - (mix[kind] or 0)
      if left <= 0 then
         return run[kind]()
      end
   end
end

function thread_done()
   con:disconnect()
end
