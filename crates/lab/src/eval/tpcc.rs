//! The tables of the mix after TPC-C, and their first rows.

use super::arm::Engine;

/// How many there are of what a warehouse has; TPC-C has more customers and items.
pub(super) const DISTRICTS: u32 = 10;
/// Of a district.
pub(super) const CUSTOMERS: u32 = 300;
/// Of all warehouses together.
pub(super) const ITEMS: u32 = 10_000;

/// The tables' names.
pub(super) const TABLES: &[&str] = &[
    "warehouse",
    "district",
    "customer",
    "history",
    "item",
    "stock",
    "orders",
    "new_order",
    "order_line",
];

/// The statements that make the tables, in the database in use, and fill them.
/// Every customer has one order of ten lines; the last third of them is not delivered.
pub(super) fn sql(engine: Engine, warehouses: u32) -> String {
    let schema = SCHEMA.replace("$ENGINE", engine.sql_name());
    format!("{schema}{}{}", rows(warehouses), lines(warehouses))
}

const SCHEMA: &str = "\
CREATE TABLE warehouse (w_id INT PRIMARY KEY, w_name VARCHAR(10), w_tax DECIMAL(4,4), w_ytd DECIMAL(14,2)) ENGINE=$ENGINE;
CREATE TABLE district (d_w_id INT, d_id INT, d_name VARCHAR(10), d_tax DECIMAL(4,4), d_ytd DECIMAL(14,2),
    d_next_o_id INT NOT NULL, PRIMARY KEY (d_w_id, d_id)) ENGINE=$ENGINE;
CREATE TABLE customer (c_w_id INT, c_d_id INT, c_id INT, c_last VARCHAR(16), c_first VARCHAR(16),
    c_discount DECIMAL(4,4), c_balance DECIMAL(12,2), c_payment_cnt INT NOT NULL, c_data VARBINARY(500),
    PRIMARY KEY (c_w_id, c_d_id, c_id), KEY (c_w_id, c_d_id, c_last, c_first)) ENGINE=$ENGINE;
CREATE TABLE history (h_id BIGINT AUTO_INCREMENT PRIMARY KEY, h_w_id INT, h_d_id INT, h_c_id INT,
    h_date DATETIME, h_amount DECIMAL(6,2)) ENGINE=$ENGINE;
CREATE TABLE item (i_id INT PRIMARY KEY, i_name VARCHAR(24), i_price DECIMAL(5,2), i_data VARCHAR(50)) ENGINE=$ENGINE;
CREATE TABLE stock (s_w_id INT, s_i_id INT, s_quantity INT NOT NULL, s_dist VARBINARY(240), s_ytd INT NOT NULL,
    s_order_cnt INT NOT NULL, PRIMARY KEY (s_w_id, s_i_id)) ENGINE=$ENGINE;
CREATE TABLE orders (o_w_id INT, o_d_id INT, o_id INT, o_c_id INT, o_entry_d DATETIME, o_carrier_id INT,
    o_ol_cnt INT, PRIMARY KEY (o_w_id, o_d_id, o_id), KEY (o_w_id, o_d_id, o_c_id, o_id)) ENGINE=$ENGINE;
CREATE TABLE new_order (no_w_id INT, no_d_id INT, no_o_id INT, PRIMARY KEY (no_w_id, no_d_id, no_o_id)) ENGINE=$ENGINE;
CREATE TABLE order_line (ol_w_id INT, ol_d_id INT, ol_o_id INT, ol_number INT, ol_i_id INT, ol_supply_w_id INT,
    ol_delivery_d DATETIME, ol_quantity INT, ol_amount DECIMAL(8,2),
    PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number)) ENGINE=$ENGINE;
";

fn rows(warehouses: u32) -> String {
    let w = format!("seq_1_to_{warehouses} w");
    let d = format!("seq_1_to_{DISTRICTS} d");
    let c = format!("seq_1_to_{CUSTOMERS} c");
    format!(
        "INSERT INTO warehouse SELECT w.seq, CONCAT('W', w.seq), 0.1, 300000 FROM {w};
INSERT INTO item SELECT seq, CONCAT('item', seq), 1 + seq % 100, MD5(seq) FROM seq_1_to_{ITEMS};
INSERT INTO district SELECT w.seq, d.seq, CONCAT('D', d.seq), 0.1, 30000, {} FROM {w} JOIN {d};
INSERT INTO customer SELECT w.seq, d.seq, c.seq, CONCAT('L', c.seq % 100), LEFT(MD5(c.seq), 16), 0.1, -10, 1,
    RANDOM_BYTES(300) FROM {w} JOIN {d} JOIN {c};
INSERT INTO stock SELECT w.seq, i.seq, 10 + i.seq % 91, RANDOM_BYTES(240), 0, 0
    FROM {w} JOIN seq_1_to_{ITEMS} i;
INSERT INTO orders SELECT w.seq, d.seq, c.seq, c.seq, NOW(), IF(c.seq <= {}, 1, NULL), 10
    FROM {w} JOIN {d} JOIN {c};
INSERT INTO new_order SELECT o_w_id, o_d_id, o_id FROM orders WHERE o_carrier_id IS NULL;
",
        CUSTOMERS + 1,
        CUSTOMERS * 2 / 3
    )
}

fn lines(warehouses: u32) -> String {
    (1..=warehouses)
        .map(|w| {
            format!(
                "INSERT INTO order_line SELECT {w}, d.seq, c.seq, l.seq, 1 + (c.seq * 31 + l.seq * 977) % {ITEMS}, \
                 {w}, NOW(), 5, 50 FROM seq_1_to_{DISTRICTS} d JOIN seq_1_to_{CUSTOMERS} c JOIN seq_1_to_10 l;\n"
            )
        })
        .collect()
}
