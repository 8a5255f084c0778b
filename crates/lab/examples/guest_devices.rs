//! Boots the guest with each kind of window device and with vsock, and tries
//! both from inside as MariaDB's user.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::{fs::FileExt, net::UnixListener},
    path::Path,
    thread,
};

use anyhow::{Context, Result, ensure};
use vamos_lab::{
    image::GuestImage,
    mariadb_files::MariadbFiles,
    payload::Payload,
    run_dir::RunDir,
    vm::{DataDisk, Vm, VmOptions, Vsock, Window, WindowDevice},
};

const BYTES: u64 = 64 << 20;
const DATA_OFFSET: u64 = 2 << 20;

/// Connects to port 7000 of the host and says hello.
const HELLO: &str = r#"su -s /bin/sh mysql -c "perl -e '
    use Socket;
    socket(S, 40, SOCK_STREAM, 0) or die \"socket: \$!\";
    connect(S, pack(\"S S L L L\", 40, 0, 7000, 2, 0)) or die \"connect: \$!\";
    syswrite(S, \"hello\");
    sysread(S, \$answer, 100);
    print \$answer;'""#;

fn main() -> Result<()> {
    let files = MariadbFiles::fetch()?;
    let image = GuestImage::build(&files)?;
    let dir = RunDir::create("devices")?;
    let payload = dir.file("payload.img");
    println!("kernel vsock: {}", Vsock::kernel_is_available());
    let conf = "[mysqld]\nmax_connections=123\n".to_owned();
    let data = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")];
    Payload {
        conf,
        data,
        ..Default::default()
    }
    .make_disk(&payload)?;
    for device in [WindowDevice::Nvdimm, WindowDevice::VirtioPmem] {
        let window = Window {
            path: dir.file("window"),
            bytes: BYTES,
            device,
        };
        make_window(&window.path)?;
        let uds_path = dir.file("vm.vsock");
        let disk = DataDisk::create(&files, &dir.file("data.img"), 1024)?;
        let options = VmOptions {
            window: Some(window.clone()),
            vsock: Some(Vsock::UnixSocket {
                uds_path: uds_path.clone(),
            }),
            payload: Some(payload.clone()),
            ..Default::default()
        };
        let mut vm = Vm::boot(&image, &files, &disk, options)?;
        println!("{device:?}: booted in {:?}", vm.boot_time());
        print!(
            "{}",
            vm.run("ls -l /dev/dax0.0 /dev/vsock; cat /sys/bus/dax/devices/dax0.0/size")?
        );
        ensure!(vm.sql("SELECT @@max_connections")?.trim() == "123");
        ensure!(vm.run("cat /payload/data/Cargo.toml")?.contains("vamos-lab"));
        try_vsock(&mut vm, &dir.file("vm.vsock_7000"))?;
        println!("vsock: {:?}", vm.switches()?.vsock);
        vm.kill();
        vm.boot_again()?;
        try_vsock(&mut vm, &dir.file("vm.vsock_7000"))?;
        vm.shutdown()?;
        std::fs::remove_file(disk.path())?;
    }
    Ok(())
}

fn try_vsock(vm: &mut Vm, socket: &Path) -> Result<()> {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)?;
    let host = thread::spawn(move || -> Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut hello = [0; 5];
        stream.read_exact(&mut hello)?;
        ensure!(&hello == b"hello");
        stream.write_all(b"welcome")?;
        Ok(())
    });
    ensure!(vm.run(HELLO)? == "welcome");
    host.join().ok().context("the host's thread panicked")?
}

/// The kernel's devdax information block (struct nd_pfn_sb), as the host daemon
/// writes it.
fn make_window(path: &Path) -> Result<()> {
    let mut block = vec![0_u8; 4096];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"NVDIMM_DAX_INFO\0");
    put(16, &[7; 16]);
    put(52, &1_u16.to_le_bytes());
    put(54, &4_u16.to_le_bytes());
    put(56, &DATA_OFFSET.to_le_bytes());
    put(64, &((BYTES - DATA_OFFSET) / 4096).to_le_bytes());
    put(72, &1_u32.to_le_bytes());
    put(84, &0x20_0000_u32.to_le_bytes());
    put(88, &4096_u32.to_le_bytes());
    put(92, &64_u16.to_le_bytes());
    let (mut low, mut high) = (0_u32, 0_u32);
    for word in block.chunks_exact(4) {
        low = low.wrapping_add(u32::from_le_bytes(word.try_into()?));
        high = high.wrapping_add(low);
    }
    block[4088..].copy_from_slice(&(u64::from(high) << 32 | u64::from(low)).to_le_bytes());
    let file = File::create(path)?;
    file.set_len(BYTES)?;
    file.write_all_at(&block, 4096)?;
    Ok(())
}
