//! The laboratory's smoke run: builds the guest image, boots it with InnoDB
//! only, counts switches, kills it, boots it again, and takes it down.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use vamos_lab::{
    image::GuestImage,
    mariadb_files::MariadbFiles,
    run_dir::RunDir,
    switches::cpu_time,
    vm::{DataDisk, Vm, VmOptions},
};

fn main() -> Result<()> {
    let begin = Instant::now();
    let files = MariadbFiles::fetch()?;
    let image = GuestImage::build(&files)?;
    println!("image after {:?}", begin.elapsed());

    let dir = RunDir::create("smoke")?;
    let disk = DataDisk::create(&files, &dir.file("data.img"), 4096)?;
    let mut vm = Vm::boot(&image, &files, &disk, VmOptions::default())?;
    println!("{}", std::fs::read_to_string(vm.console_log())?);
    count_direct_reads(&mut vm)?;
    println!(
        "booted in {:?}; {}",
        vm.boot_time(),
        vm.connect_hint().unwrap_or_default()
    );
    print!(
        "{}",
        vm.run("uname -r; cat /proc/uptime; id mysql; ls -l /dev/dax* /dev/vsock 2>&1 || true")?
    );

    for _ in 0..3 {
        timed("a command", || vm.run("true"))?;
    }
    let late = vm.run_for("sleep 100", b"", Duration::from_secs(1))?;
    ensure!(late.status == 124);
    let big = timed("4 MB there and back", || {
        vm.run_for("cat", &vec![b'x'; 4_000_000], Duration::from_secs(60))
    })?;
    ensure!(big.stdout.len() == 4_000_000);
    timed("a query in the guest", || vm.sql("SELECT VERSION()"))?;
    timed("a query from the host", || vm.sql_from_host("SELECT VERSION()"))?;
    timed("filling a table", || {
        vm.sql(
            "CREATE DATABASE t; USE t; CREATE TABLE a (i INT PRIMARY KEY, s VARCHAR(200)); \
                INSERT INTO a SELECT seq, REPEAT(MD5(seq), 5) FROM seq_1_to_200000",
        )
    })?;
    for _ in 0..2 {
        vm.restart_mariadb()?;
        let switches = vm.switches()?.storage;
        let cpu = cpu_time(vm.pid())?;
        let rows = timed("a cold scan", || {
            vm.sql("SELECT COUNT(*), SUM(LENGTH(s)) FROM t.a")
        })?;
        println!(
            "{}: {:?}, {:?}",
            rows.trim(),
            vm.switches()?.storage - switches,
            cpu_time(vm.pid())? - cpu
        );
    }

    let before = vm.switches()?.storage;
    timed("100 commits", || {
        vm.sql(&"UPDATE t.a SET s = RAND() WHERE i = 7;".repeat(100))
    })?;
    println!("{:?}", vm.switches()?.storage - before);
    vm.sql("INSERT INTO t.a VALUES (0, 'last words')")?;
    vm.kill();
    vm.boot_again()?;
    println!("killed, booted again in {:?}", vm.boot_time());
    ensure!(vm.sql("SELECT COUNT(*) FROM t.a")?.trim() == "200001");
    count_direct_reads(&mut vm)?;
    timed("shutdown", || vm.shutdown())?;
    Ok(())
}

/// 1,000 reads past all caches must show as 1,000 kicks and interrupts, plus the
/// little that the guest does by itself.
fn count_direct_reads(vm: &mut Vm) -> Result<()> {
    let before = vm.switches()?.storage;
    vm.run(
        "dd if=/dev/disk/by-label/data of=/dev/null bs=4096 skip=1000 count=1000 iflag=direct status=none",
    )?;
    let switches = vm.switches()?.storage - before;
    println!("1,000 direct reads: {switches:?}");
    ensure!((1000..1050).contains(&switches.kicks) && (1000..1050).contains(&switches.interrupts));
    Ok(())
}

fn timed<T>(what: &str, action: impl FnOnce() -> Result<T>) -> Result<T> {
    let begin = Instant::now();
    let result = action()?;
    println!("{what}: {:?}", begin.elapsed());
    Ok(result)
}
