-- A mix after TPC-C (revision 5.11): its five transactions with their shares, on its
-- tables with fewer items and customers, without think times and terminals. Figures
-- are not TPC-C results.

sysbench.cmdline.options = {
   warehouses = {"Warehouses", 4},
   districts = {"Districts of a warehouse", 10},
   customers = {"Customers of a district", 300},
   items = {"Items", 10000},
}

local opt, con

local function query(text, ...)
   return con:query(text:format(...))
end

local function row(text, ...)
   local set = query(text, ...)
   local found = set:fetch_row()
   local copy = {}
   if found then
      for place = 1, set.nfields do
         copy[place] = found[place]
      end
   end
   set:free()
   return copy
end

local function uniform(first, last)
   return sysbench.rand.uniform(first, last)
end

-- TPC-C's NURand: some values come far more often.
local function skewed(a, first, last)
   local sum = bit.bor(uniform(0, a), uniform(first, last)) + 42
   return sum % (last - first + 1) + first
end

local function customer()
   return skewed(1023, 1, opt.customers)
end

local function item()
   return skewed(8191, 1, opt.items)
end

local run = {}

function run.new_order()
   local w, d, c = uniform(1, opt.warehouses), uniform(1, opt.districts), customer()
   local lines = uniform(5, 15)
   local fails = uniform(1, 100) == 1
   query("BEGIN")
   row("SELECT w_tax FROM warehouse WHERE w_id = %d", w)
   row("SELECT c_discount, c_last FROM customer WHERE c_w_id = %d AND c_d_id = %d AND c_id = %d", w, d, c)
   local order = row("SELECT d_next_o_id, d_tax FROM district WHERE d_w_id = %d AND d_id = %d FOR UPDATE", w, d)[1]
   query("UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = %d AND d_id = %d", w, d)
   query("INSERT INTO orders VALUES (%d, %d, %d, %d, NOW(), NULL, %d)", w, d, order, c, lines)
   query("INSERT INTO new_order VALUES (%d, %d, %d)", w, d, order)
   local wanted = {}
   for line = 1, lines do
      wanted[line] = item()
   end
   -- In the order of their numbers, so that no two of them wait for each other.
   table.sort(wanted)
   for line, i in ipairs(wanted) do
      local from = uniform(1, 100) > 1 and w or uniform(1, opt.warehouses)
      local quantity = uniform(1, 10)
      local price = row("SELECT i_price FROM item WHERE i_id = %d", i)[1]
      row("SELECT s_quantity, s_dist FROM stock WHERE s_w_id = %d AND s_i_id = %d FOR UPDATE", from, i)
      query("UPDATE stock SET s_quantity = IF(s_quantity >= %d + 10, s_quantity - %d, s_quantity - %d + 91), " ..
         "s_ytd = s_ytd + %d, s_order_cnt = s_order_cnt + 1 WHERE s_w_id = %d AND s_i_id = %d",
         quantity, quantity, quantity, quantity, from, i)
      query("INSERT INTO order_line VALUES (%d, %d, %d, %d, %d, %d, NULL, %d, %d * %s)",
         w, d, order, line, i, from, quantity, quantity, price)
   end
   query(fails and "ROLLBACK" or "COMMIT")
end

function run.payment()
   local w, d, c, amount = uniform(1, opt.warehouses), uniform(1, opt.districts), customer(), uniform(1, 5000)
   query("BEGIN")
   query("UPDATE warehouse SET w_ytd = w_ytd + %d WHERE w_id = %d", amount, w)
   query("UPDATE district SET d_ytd = d_ytd + %d WHERE d_w_id = %d AND d_id = %d", amount, w, d)
   query("UPDATE customer SET c_balance = c_balance - %d, c_payment_cnt = c_payment_cnt + 1 " ..
      "WHERE c_w_id = %d AND c_d_id = %d AND c_id = %d", amount, w, d, c)
   query("INSERT INTO history (h_w_id, h_d_id, h_c_id, h_date, h_amount) VALUES (%d, %d, %d, NOW(), %d)",
      w, d, c, amount)
   query("COMMIT")
end

function run.order_status()
   local w, d, c = uniform(1, opt.warehouses), uniform(1, opt.districts), customer()
   query("BEGIN")
   row("SELECT c_balance, c_last FROM customer WHERE c_w_id = %d AND c_d_id = %d AND c_id = %d", w, d, c)
   local order = row("SELECT o_id, o_entry_d FROM orders WHERE o_w_id = %d AND o_d_id = %d AND o_c_id = %d " ..
      "ORDER BY o_id DESC LIMIT 1", w, d, c)[1]
   if order then
      query("SELECT ol_i_id, ol_quantity, ol_amount FROM order_line WHERE ol_w_id = %d AND ol_d_id = %d AND ol_o_id = %d",
         w, d, order):free()
   end
   query("COMMIT")
end

function run.delivery()
   local w = uniform(1, opt.warehouses)
   query("BEGIN")
   for d = 1, opt.districts do
      local order = row("SELECT no_o_id FROM new_order WHERE no_w_id = %d AND no_d_id = %d " ..
         "ORDER BY no_o_id LIMIT 1 FOR UPDATE", w, d)[1]
      if order then
         query("DELETE FROM new_order WHERE no_w_id = %d AND no_d_id = %d AND no_o_id = %d", w, d, order)
         local c = row("SELECT o_c_id FROM orders WHERE o_w_id = %d AND o_d_id = %d AND o_id = %d", w, d, order)[1]
         query("UPDATE orders SET o_carrier_id = 1 WHERE o_w_id = %d AND o_d_id = %d AND o_id = %d", w, d, order)
         query("UPDATE order_line SET ol_delivery_d = NOW() WHERE ol_w_id = %d AND ol_d_id = %d AND ol_o_id = %d", w, d, order)
         local sum = row("SELECT COALESCE(SUM(ol_amount), 0) FROM order_line " ..
            "WHERE ol_w_id = %d AND ol_d_id = %d AND ol_o_id = %d", w, d, order)[1]
         query("UPDATE customer SET c_balance = c_balance + %s WHERE c_w_id = %d AND c_d_id = %d AND c_id = %s", sum, w, d, c)
      end
   end
   query("COMMIT")
end

function run.stock_level()
   local w, d = uniform(1, opt.warehouses), uniform(1, opt.districts)
   query("BEGIN")
   local next_order = row("SELECT d_next_o_id FROM district WHERE d_w_id = %d AND d_id = %d", w, d)[1]
   row("SELECT COUNT(DISTINCT s_i_id) FROM order_line JOIN stock ON s_w_id = ol_w_id AND s_i_id = ol_i_id " ..
      "WHERE ol_w_id = %d AND ol_d_id = %d AND ol_o_id < %s AND ol_o_id >= %s - 20 AND s_quantity < %d",
      w, d, next_order, next_order, uniform(10, 20))
   query("COMMIT")
end

function thread_init()
   opt = sysbench.opt
   con = sysbench.sql.driver():connect()
end

function event()
   local left = uniform(1, 100)
   if left <= 45 then
      run.new_order()
   elseif left <= 88 then
      run.payment()
   elseif left <= 92 then
      run.order_status()
   elseif left <= 96 then
      run.delivery()
   else
      run.stock_level()
   end
end

-- What met a deadlock is rolled back and counted; the next transaction begins anew.
function sysbench.hooks.before_restart_event()
   con:query("ROLLBACK")
end

function thread_done()
   con:disconnect()
end
